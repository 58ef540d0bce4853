//! The generators, each with how it is run and what calls its client.

/// What makes a client of a document.
pub(crate) struct Generator {
    pub(crate) name: &'static str,
    /// Whether `cargo xtask ci` runs it.
    pub(crate) is_quick: bool,
    pub(crate) command: Command,
    /// What calls the service with what was generated; `None` if it cannot be compiled with what the registries have.
    pub(crate) client: Option<Client>,
}

/// How a generator is run, in the folder that holds `openapi.json` and `generated`.
pub(crate) enum Command {
    /// A program of a package of npm, with its arguments.
    Npm(&'static str, &'static [&'static str]),
    /// A program of a package of Python, with its arguments.
    Python(&'static str, &'static [&'static str]),
    /// `openapi-generator`: the name of a generator of its own, and the folder below `generated`.
    OpenApiGenerator(&'static str, &'static str),
}

/// A program that calls the service with a generated client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// A file of the folder `typescript`, without its ending.
    TypeScript(&'static str),
    /// A file of the folder `python`, and the folder in which its package was generated.
    Python(&'static str, &'static str),
    /// The folder `go`.
    Go,
}

pub(crate) const GENERATORS: [Generator; 10] = [
    Generator {
        name: "openapi-typescript",
        is_quick: true,
        command: Command::Npm(
            "openapi-typescript",
            &["openapi.json", "--output", "generated/openapi-typescript/schema.d.ts"],
        ),
        client: Some(Client::TypeScript("openapi-fetch")),
    },
    Generator {
        name: "hey-api",
        is_quick: true,
        command: Command::Npm("openapi-ts", &["--input", "./openapi.json", "--output", "generated/hey-api"]),
        client: Some(Client::TypeScript("hey-api")),
    },
    Generator {
        name: "orval",
        is_quick: true,
        command: Command::Npm(
            "orval",
            &["--input=./openapi.json", "--output=generated/orval/client.ts", "--client=fetch"],
        ),
        client: Some(Client::TypeScript("orval")),
    },
    Generator {
        name: "swagger-typescript-api",
        is_quick: true,
        command: Command::Npm(
            "swagger-typescript-api",
            &[
                "generate",
                "--path",
                "openapi.json",
                "--output",
                "generated/swagger-typescript-api",
                "--name",
                "client.ts",
            ],
        ),
        client: Some(Client::TypeScript("swagger-typescript-api")),
    },
    Generator {
        name: "openapi-python-client",
        is_quick: true,
        command: Command::Python(
            "openapi-python-client",
            &[
                "generate",
                "--path=openapi.json",
                "--meta=none",
                "--fail-on-warning",
                "--output-path=generated/openapi-python-client/task_api_client",
            ],
        ),
        client: Some(Client::Python("openapi_python_client", "openapi-python-client")),
    },
    Generator {
        name: "openapi-generator python",
        is_quick: true,
        command: Command::OpenApiGenerator("python", "python"),
        client: Some(Client::Python("openapi_generator_python", "python")),
    },
    Generator {
        name: "openapi-generator typescript-fetch",
        is_quick: true,
        command: Command::OpenApiGenerator("typescript-fetch", "typescript-fetch"),
        client: Some(Client::TypeScript("openapi-generator")),
    },
    Generator {
        name: "openapi-generator go",
        is_quick: false,
        command: Command::OpenApiGenerator("go", "go"),
        client: Some(Client::Go),
    },
    Generator {
        name: "openapi-generator kotlin",
        is_quick: false,
        command: Command::OpenApiGenerator("kotlin", "kotlin"),
        client: None,
    },
    Generator {
        name: "openapi-generator swift6",
        is_quick: false,
        command: Command::OpenApiGenerator("swift6", "swift6"),
        client: None,
    },
];
