//! The wish to stop, from the keyboard or the system.

use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for the signals that ask a program to end. While it exists they no longer end the process by themselves, so
/// that whatever was started can be stopped first.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// Which signal asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Ctrl-C.
    Interrupt,
    /// `kill`.
    Terminate,
    /// The terminal has gone away.
    HangUp,
}

impl Stop {
    /// Begins to listen.
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for Ctrl-C and other signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the first of the signals.
    pub async fn requested(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.terminate.recv() => Asked::Terminate,
            _ = self.hang_up.recv() => Asked::HangUp,
        }
    }

    /// Works until that is done or a signal asks to stop. Dropping the work ends whatever it has started.
    pub async fn or(
        &mut self,
        work: impl Future<Output = anyhow::Result<ExitCode>>,
    ) -> anyhow::Result<ExitCode> {
        tokio::select! {
            outcome = work => outcome,
            asked = self.requested() => Ok(asked.exit_code()),
        }
    }
}

impl Asked {
    /// The signal that asks another program for the same. One whose terminal has gone away is to end.
    #[must_use]
    pub fn signal(self) -> rustix::process::Signal {
        match self {
            Self::Interrupt => rustix::process::Signal::INT,
            Self::Terminate | Self::HangUp => rustix::process::Signal::TERM,
        }
    }

    /// The exit code that shells expect of a program that a signal ended: 128 and the signal's number.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        })
    }
}
