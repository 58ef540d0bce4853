//! The LLVM programs that read what an instrumented test wrote. Their major version must be the compiler's.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::process::Command;
use tools_kit::{process, report, tools};

/// The pair of programs that measure coverage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LlvmTools {
    pub(crate) cov: PathBuf,
    pub(crate) profdata: PathBuf,
}

impl LlvmTools {
    /// Tells cargo-llvm-cov where they are.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.env("LLVM_COV", &self.cov).env("LLVM_PROFDATA", &self.profdata);
    }
}

/// Asking rustup must not hang if there is no network.
const RUSTUP_LIMIT: Duration = Duration::from_mins(2);

/// Finds the programs, or installs them: as a component of the toolchain, else as root from Debian.
pub(crate) async fn obtain() -> anyhow::Result<LlvmTools> {
    let compiler = Compiler::ask().await?;
    if let Some(tools) = chosen().or_else(|| compiler.find()) {
        return Ok(tools);
    }
    if let Some(tools) = report::step("Installing the LLVM tools", compiler.install()).await? {
        return Ok(tools);
    }
    bail!(
        "coverage needs llvm-cov and llvm-profdata of LLVM {major}. One of these helps: `rustup component add llvm-tools`; \
         `apt-get install llvm-{major}`; or set LLVM_COV and LLVM_PROFDATA to the two programs",
        major = compiler.llvm
    )
}

/// Those that the person named.
fn chosen() -> Option<LlvmTools> {
    Some(LlvmTools {
        cov: std::env::var_os("LLVM_COV")?.into(),
        profdata: std::env::var_os("LLVM_PROFDATA")?.into(),
    })
}

/// What the installed compiler says of itself.
struct Compiler {
    sysroot: PathBuf,
    host: String,
    llvm: u32,
}

impl Compiler {
    async fn ask() -> anyhow::Result<Self> {
        let answer = process::capture(Command::new("rustc").arg("-vV")).await?;
        let sysroot = process::capture(Command::new("rustc").args(["--print", "sysroot"])).await?;
        let (host, llvm) = versions(&answer).context("`rustc -vV` does not name its host and its LLVM")?;
        Ok(Self { sysroot: sysroot.trim().into(), host, llvm })
    }

    fn find(&self) -> Option<LlvmTools> {
        let beside_rustc = self.sysroot.join("lib/rustlib").join(&self.host).join("bin");
        let of_debian = PathBuf::from(format!("/usr/lib/llvm-{}/bin", self.llvm));
        let of_homebrew = [
            PathBuf::from(format!("/opt/homebrew/opt/llvm@{}/bin", self.llvm)),
            PathBuf::from(format!("/usr/local/opt/llvm@{}/bin", self.llvm)),
        ];
        [beside_rustc, of_debian].iter().chain(&of_homebrew).find_map(|folder| pair(folder))
    }

    /// Installs the programs in the first way that works. A way that fails is no error as long as another is left.
    async fn install(&self) -> anyhow::Result<Option<LlvmTools>> {
        let mut rustup = Command::new("rustup");
        let component = process::capture(rustup.args(["component", "add", "llvm-tools"]));
        let _ = tokio::time::timeout(RUSTUP_LIMIT, component).await;
        if let Some(tools) = self.find() {
            return Ok(Some(tools));
        }
        let _ = tools::apt_install(&format!("llvm-{}", self.llvm)).await;
        Ok(self.find())
    }
}

fn pair(folder: &Path) -> Option<LlvmTools> {
    let tools = LlvmTools { cov: folder.join("llvm-cov"), profdata: folder.join("llvm-profdata") };
    (tools.cov.is_file() && tools.profdata.is_file()).then_some(tools)
}

/// The host and the major version of LLVM in the answer of `rustc -vV`.
fn versions(answer: &str) -> Option<(String, u32)> {
    let line = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name));
    Some((line("host: ")?.to_owned(), line("LLVM version: ")?.split('.').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_names_its_llvm() {
        let answer = "rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nrelease: 1.95.0\nLLVM version: 22.1.2\n";
        assert_eq!(versions(answer), Some(("x86_64-unknown-linux-gnu".to_owned(), 22)));
        assert_eq!(versions("rustc 1.95.0"), None);
    }
}
