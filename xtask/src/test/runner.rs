//! Runs tests through nextest if it is installed and through cargo's own runner otherwise, and counts along.

use std::{
    io::{IsTerminal as _, Write},
    num::NonZeroUsize,
    process::Stdio,
};

use anyhow::{Context as _, ensure};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::Command,
};
use tools_kit::{
    process::{self, Running},
    program::WITHOUT_ALLOCATOR,
    report,
};

use crate::test::{
    llvm_tools::LlvmTools,
    outcome::Outcome,
    totals::{Kind, Totals},
};

/// How many tests keep a processor busy.
const TESTS_PER_PROCESSOR: usize = 3;
/// How many tests may have their connections at the same time, about ten each.
const MOST_TESTS: usize = 32;

/// How tests are run on this machine.
pub(crate) struct Runner {
    nextest: bool,
    database_url: String,
    tls_database_url: Option<String>,
    arguments: Vec<String>,
}

impl Runner {
    /// Without the address of a server that speaks TLS, the tests that need one fail.
    pub(crate) async fn new(
        database_url: &str,
        tls_database_url: Option<&str>,
        arguments: &[String],
    ) -> Self {
        let nextest = process::works("cargo", &["nextest", "--version"]).await;
        if !nextest {
            report::note(
                "cargo-nextest is not installed; cargo's own test runner works as well, only slower.",
            );
        }
        let tls_database_url = tls_database_url.map(str::to_owned);
        Self {
            nextest,
            database_url: database_url.to_owned(),
            tls_database_url,
            arguments: arguments.to_vec(),
        }
    }

    /// Runs every test but the examples of the documentation.
    pub(crate) async fn run(&self) -> anyhow::Result<Outcome> {
        let mut command = Command::new("cargo");
        if self.nextest {
            command
                .args(["nextest", "run", WITHOUT_ALLOCATOR])
                .env("NEXTEST_TEST_THREADS", test_threads().to_string());
        } else {
            command
                .args(["test", "--lib", "--bins", "--tests", WITHOUT_ALLOCATOR])
                .env("RUST_TEST_THREADS", test_threads().to_string());
        }
        self.count(self.with_selection(command), "Tests", self.kind()).await
    }

    /// The same on an instrumented build, whose measurements stay for a report.
    pub(crate) async fn measured(&self, llvm: &LlvmTools) -> anyhow::Result<Outcome> {
        let mut command = Command::new("cargo");
        command.arg("llvm-cov");
        if self.nextest {
            command.arg("nextest").env("NEXTEST_TEST_THREADS", test_threads().to_string());
        } else {
            command.args(["--lib", "--bins", "--tests"]);
        }
        command.arg("--no-report");
        llvm.apply(&mut command);
        self.count(self.with_selection(command), "Tests, with coverage", self.kind()).await
    }

    /// Runs the examples of the documentation.
    pub(crate) async fn documentation(&self) -> anyhow::Result<Outcome> {
        let mut command = Command::new("cargo");
        command.args(["test", "--workspace", "--doc", "--no-fail-fast", WITHOUT_ALLOCATOR]);
        self.count(command, "Examples of the documentation", Kind::Cargo).await
    }

    fn kind(&self) -> Kind {
        if self.nextest { Kind::Nextest } else { Kind::Cargo }
    }

    /// All crates, unless the person names some.
    fn with_selection(&self, mut command: Command) -> Command {
        let names_crates =
            |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
        if !self.arguments.iter().any(names_crates) {
            command.arg("--workspace");
        }
        command.arg("--no-fail-fast").args(&self.arguments);
        command
    }

    /// Runs a program, shows what it prints and adds up its summaries.
    async fn count(&self, mut command: Command, what: &str, kind: Kind) -> anyhow::Result<Outcome> {
        report::headline(what);
        command.env("TEST_DATABASE_URL", &self.database_url);
        command.envs(self.tls_database_url.iter().map(|url| ("TEST_TLS_DATABASE_URL", url)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if std::io::stderr().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        let mut running = Running::spawn(&mut command).context("cannot run cargo")?;
        let (stdout, stderr) = (running.child().stdout.take(), running.child().stderr.take());
        let (printed, told) =
            tokio::join!(pass_on(stdout, std::io::stdout(), kind), pass_on(stderr, std::io::stderr(), kind));
        let success = running.wait().await.context("cannot wait for cargo")?.success();
        let mut totals = printed?;
        totals += told?;
        ensure!(success || totals != Totals::default(), "no test ran: see above why");
        Ok(Outcome { totals, success })
    }
}

/// How many tests run at the same time. Tests wait, for PostgreSQL and for limits of time, more than they compute; and all
/// of them share the connections of one server.
fn test_threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    (processors * TESTS_PER_PROCESSOR).min(MOST_TESTS.max(processors))
}

/// Writes each line on, and adds up the summaries among them.
async fn pass_on(
    source: Option<impl AsyncRead + Unpin>,
    mut target: impl Write,
    kind: Kind,
) -> anyhow::Result<Totals> {
    let mut totals = Totals::default();
    let Some(source) = source else { return Ok(totals) };
    let mut reader = BufReader::new(source);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await.context("cannot read what cargo prints")? > 0 {
        if let Some(more) = Totals::of_line(&String::from_utf8_lossy(&line), kind) {
            totals += more;
        }
        // The reader of our output may have gone; the tests go on, and their result still counts.
        let _ = target.write_all(&line).and_then(|()| target.flush());
        line.clear();
    }
    Ok(totals)
}
