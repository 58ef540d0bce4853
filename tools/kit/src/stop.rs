//! The wish to stop, from the keyboard or the system.

use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for the signals that ask a program to end. While it exists they no longer end the process by themselves, so
/// that whatever was started can be stopped first.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// Which signal asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Interrupt,
    Terminate,
    HangUp,
}

impl Stop {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for Ctrl-C and other signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits until somebody asks.
    pub(crate) async fn requested(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.terminate.recv() => Asked::Terminate,
            _ = self.hang_up.recv() => Asked::HangUp,
        }
    }

    /// Works until that is done or somebody asks to stop. Dropping the work ends whatever it has started.
    pub(crate) async fn or(
        &mut self,
        work: impl Future<Output = anyhow::Result<ExitCode>>,
    ) -> anyhow::Result<ExitCode> {
        tokio::select! {
            outcome = work => outcome,
            asked = self.requested() => Ok(asked.exit_code()),
        }
    }

    /// Waits until the terminal goes away, which is all that nobody else listens for while the service runs.
    pub(crate) async fn hung_up(&mut self) -> Asked {
        self.hang_up.recv().await;
        Asked::HangUp
    }
}

impl Asked {
    /// The exit code that shells expect of a program that a signal ended: 128 and the signal's number.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        })
    }
}
