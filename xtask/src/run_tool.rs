//! Hands a command over to the tool that carries it out.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
};

use anyhow::{anyhow, bail};
use tools_kit::{process, workspace};

/// A package below `tools/`, and the name of one of its commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    package: &'static str,
    command: &'static str,
}

pub(crate) const BENCH: Tool = Tool { package: "tools-bench", command: "bench" };
pub(crate) const CHAOS: Tool = Tool { package: "tools-chaos", command: "chaos" };
pub(crate) const POOLER: Tool = Tool { package: "tools-chaos", command: "pooler" };
pub(crate) const UPGRADE: Tool = Tool { package: "tools-chaos", command: "upgrade" };
pub(crate) const CLIENTS: Tool = Tool { package: "tools-checks", command: "clients" };
pub(crate) const DEPLOY_CHECK: Tool = Tool { package: "tools-checks", command: "deploy-check" };
pub(crate) const FUZZ: Tool = Tool { package: "tools-checks", command: "fuzz" };
pub(crate) const FUZZ_API: Tool = Tool { package: "tools-checks", command: "fuzz-api" };
pub(crate) const INTEROP: Tool = Tool { package: "tools-checks", command: "interop" };
pub(crate) const MIGRATE_CHECK: Tool = Tool { package: "tools-checks", command: "migrate-check" };
pub(crate) const PROVIDE_USER: Tool = Tool { package: "tools-checks", command: "provide-user" };
pub(crate) const RESTORE_CHECK: Tool = Tool { package: "tools-checks", command: "restore-check" };
pub(crate) const SBOM: Tool = Tool { package: "tools-checks", command: "sbom" };

/// What follows the name of a command that a tool carries out, `--help` included.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    all: Vec<OsString>,
}

impl Arguments {
    pub(crate) fn all(&self) -> &[OsString] {
        &self.all
    }

    pub(crate) fn ask_for_help(&self) -> bool {
        self.all.iter().any(|word| word == "--help" || word == "-h")
    }
}

impl Tool {
    /// The command line that compiles the tool, if it has changed, and runs it.
    pub(crate) fn command(self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.args(["run", "--locked", "--package", self.package, "--", self.command]);
        cargo
    }

    /// Becomes the tool: terminal, signals and exit code are the tool's from here on. Returns only if that fails.
    pub(crate) fn become_it(self, arguments: &Arguments) -> anyhow::Result<ExitCode> {
        workspace::enter()?;
        let error = self.command().args(&arguments.all).exec();
        Err(anyhow!("cannot run cargo: {error}"))
    }

    /// Runs the tool as one step of several, and fails if it does.
    pub(crate) async fn run(self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = tokio::process::Command::from(self.command());
        if process::show(command.args(arguments)).await? {
            return Ok(());
        }
        bail!("`cargo xtask {}` found something: see above", self.command)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    enum Cli {
        #[command(disable_help_flag = true)]
        Bench(Arguments),
    }

    #[test]
    fn every_argument_reaches_the_tool_as_it_was_typed() {
        for typed in [&["--help"][..], &["--seconds", "2", "-h"], &["json", "--", "--jobs=1"], &[]] {
            let line = ["xtask", "bench"].iter().chain(typed);
            let Cli::Bench(arguments) = Cli::try_parse_from(line).unwrap();
            assert_eq!(arguments.all, typed);
        }
    }

    #[test]
    fn a_tool_is_compiled_and_run_by_cargo() {
        let words = FUZZ_API.command();
        let words: Vec<_> = words.get_args().map(|word| word.to_str().unwrap().to_owned()).collect();
        assert_eq!(words.join(" "), "run --locked --package tools-checks -- fuzz-api");
    }
}
