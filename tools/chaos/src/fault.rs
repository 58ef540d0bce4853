//! The faults: what they are called, how often each is done, and how much of it may be noticed.

use std::time::Duration;

/// Something bad that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Fault {
    /// `kill -9` of the service while it writes.
    KilledService,
    /// SIGTERM to the service while it writes.
    EndedService,
    /// `kill -9` of a process of PostgreSQL, which makes all of it start anew from its log.
    CrashedDatabase,
    /// PostgreSQL stands still for six seconds.
    FrozenDatabase,
    /// `kill -9` of PostgreSQL's main process, which a supervisor has to start anew.
    KilledPostmaster,
    /// PostgreSQL's disk is full, so that its tables cannot grow.
    FullDisk,
    /// PostgreSQL's disk is full, so that its log cannot grow, which ends it.
    FullLog,
    /// All writes to PostgreSQL's disk block for six seconds.
    StoppedDisk,
    /// Clients that send a write and are gone.
    VanishedClients,
    /// Thousands of clients that wait, drip, send too much or send nonsense, all at once.
    HostileClients,
    /// Thousands of clients that ask again as soon as they are answered.
    Overload,
    /// Three replicas behind HAProxy are replaced, one after the other.
    RollingReplacement,
    /// `kill -9` of a whole primary of PostgreSQL, whose standby takes its place.
    FailOver,
    /// The same with a primary that stands still, so that connections to it do not break.
    SilentPrimary,
}

/// What may be noticed of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noticed {
    /// Requests may break off, and be answered with 503 and `Retry-After`.
    BrokenOff,
    /// Requests may be answered with 503 and `Retry-After`, and each has an answer.
    Unavailable,
    /// Every request succeeds.
    Nothing,
}

impl Fault {
    pub(crate) const ALL: [Self; 14] = [
        Self::KilledService,
        Self::EndedService,
        Self::CrashedDatabase,
        Self::FrozenDatabase,
        Self::KilledPostmaster,
        Self::VanishedClients,
        Self::HostileClients,
        Self::Overload,
        Self::FullDisk,
        Self::FullLog,
        Self::StoppedDisk,
        Self::RollingReplacement,
        Self::FailOver,
        Self::SilentPrimary,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KilledService => "the service is killed (kill -9)",
            Self::EndedService => "the service is ended by SIGTERM",
            Self::CrashedDatabase => "PostgreSQL crashes (kill -9 of a process)",
            Self::FrozenDatabase => "PostgreSQL stands still for 6 s",
            Self::KilledPostmaster => "PostgreSQL's main process is killed (kill -9)",
            Self::FullDisk => "PostgreSQL's disk is full, and no table can grow",
            Self::FullLog => "PostgreSQL's disk is full, and its log cannot grow",
            Self::StoppedDisk => "PostgreSQL's disk stands still for 6 s",
            Self::HostileClients => "thousands of hostile clients at once",
            Self::Overload => "far more is asked than it can bear",
            Self::VanishedClients => "clients vanish in mid-request",
            Self::RollingReplacement => "three replicas behind HAProxy are replaced",
            Self::FailOver => "the primary is killed (kill -9 of all of it)",
            Self::SilentPrimary => "the primary falls silent",
        }
    }

    pub(crate) fn times(self, short: bool) -> usize {
        let (long, few) = match self {
            Self::KilledService => (50, 5),
            Self::EndedService => (20, 5),
            Self::CrashedDatabase => (10, 2),
            Self::FrozenDatabase
            | Self::KilledPostmaster
            | Self::FullDisk
            | Self::FullLog
            | Self::StoppedDisk
            | Self::HostileClients
            | Self::RollingReplacement => (5, 1),
            Self::VanishedClients => (10_000, 500),
            Self::Overload | Self::FailOver | Self::SilentPrimary => (3, 1),
        };
        if short { few } else { long }
    }

    /// Whether it is left out of a short run, which has a like one already, or is compiled for development, so that its
    /// speed says nothing.
    pub(crate) fn takes_long(self) -> bool {
        matches!(self, Self::Overload | Self::SilentPrimary)
    }

    /// Whether it is done to a disk, so that PostgreSQL needs one of its own.
    pub(crate) fn is_of_disk(self) -> bool {
        matches!(self, Self::FullDisk | Self::FullLog | Self::StoppedDisk)
    }

    /// How many characters the descriptions have that clients write meanwhile.
    pub(crate) fn description(self) -> usize {
        match self {
            // Five to a page of the table: it has to grow all the time. Longer ones would be compressed.
            Self::FullDisk => 1500,
            _ => 0,
        }
    }

    /// How long a client that writes rests after each write.
    pub(crate) fn pace(self) -> Duration {
        match self {
            // What is measured is what others are answered: those who write must not take a part of it at the one time and
            // be crowded out at the other.
            Self::Overload => Duration::from_millis(100),
            _ => Duration::ZERO,
        }
    }

    /// What it may take to heal, at most.
    pub(crate) fn heal_limit(self) -> Duration {
        match self {
            // A primary is replaced 20 seconds after it was heard of last.
            Self::FailOver | Self::SilentPrimary => Duration::from_mins(1),
            _ => Duration::from_secs(30),
        }
    }

    /// How long a client with a key repeats a write: longer than the fault may take, if that stops all writing.
    pub(crate) fn patience(self) -> Duration {
        match self {
            Self::FailOver | Self::SilentPrimary => Duration::from_secs(90),
            _ => Duration::from_secs(20),
        }
    }

    pub(crate) fn noticed(self) -> Noticed {
        match self {
            // Only a service that is killed breaks off.
            Self::KilledService => Noticed::BrokenOff,
            Self::RollingReplacement => Noticed::Nothing,
            _ => Noticed::Unavailable,
        }
    }
}
