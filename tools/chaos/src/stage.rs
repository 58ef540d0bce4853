//! A service and its PostgreSQL, into which faults are injected.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use tools_kit::{
    running_service::{Service, SetUp},
    workspace,
};
use tools_postgres::{
    disk::Disk,
    throwaway::{self, ThrowAway},
};

use crate::{
    clients::{Clients, Way},
    store::Store,
    vitals::Vitals,
};

/// How long a body may take to arrive: less than by default, so that it need not be waited for.
const BODY_SECONDS: (&str, &str) = ("REQUEST_BODY_TIMEOUT_SECONDS", "2");

/// What the faults are done to.
pub(crate) struct Stage {
    pub(crate) service: Service,
    pub(crate) store: Store,
    /// How many hostile clients come at once.
    pub(crate) crowd: usize,
    /// Dropped last: the service ends before its database.
    pub(crate) server: ThrowAway,
}

impl Stage {
    pub(crate) async fn set(program: &Path, crowd: usize) -> anyhow::Result<Self> {
        Self::on(throwaway::start_durable().await?, program, crowd).await
    }

    /// The same, with a small disk for the data of PostgreSQL.
    pub(crate) async fn set_on_small_disk(program: &Path, crowd: usize) -> anyhow::Result<Self> {
        Self::on(throwaway::start_on_small_disk().await?, program, crowd).await
    }

    async fn on(server: ThrowAway, program: &Path, crowd: usize) -> anyhow::Result<Self> {
        let store = Store::prepare(server.url().to_owned()).await?;
        let set_up = SetUp {
            name: "task-api",
            folder: server.folder(),
            database: store.url(),
            secret: store.secret(),
            settings: &[BODY_SECONDS],
        };
        let service = Service::start(program.to_owned(), &set_up).await?;
        Ok(Self { service, store, crowd, server })
    }

    /// Lets clients write.
    pub(crate) fn clients(
        &self,
        patience: Duration,
        watched: bool,
        pace: Duration,
        description: usize,
    ) -> anyhow::Result<Clients> {
        let (url, token) = (self.service.url(), self.store.token());
        let way = Way { url: &url, token, watched, patience, pace, description };
        Clients::start(&way, &workspace::random_hex(4)?)
    }

    pub(crate) async fn vitals(&self) -> anyhow::Result<Vitals> {
        let backends = self.backends().await?.len();
        Vitals::read(self.service.pid()?, backends)
    }

    pub(crate) fn has_disk(&self) -> bool {
        self.server.disk().is_some()
    }

    /// What PostgreSQL's data is on.
    pub(crate) fn disk(&self) -> anyhow::Result<&Disk> {
        self.server.disk().context("PostgreSQL has no disk of its own here")
    }

    /// The process that all others of PostgreSQL are children of.
    pub(crate) fn postmaster(&self) -> anyhow::Result<i32> {
        i32::try_from(self.server.pid()).context("a process has a small number")
    }

    /// The processes of PostgreSQL that work for the service.
    pub(crate) async fn backends(&self) -> anyhow::Result<Vec<i32>> {
        let sql = "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'task-api' AND pid <> pg_backend_pid()";
        let found = self.store.column(sql).await?;
        found.iter().map(|pid| pid.parse().context("a process has a number")).collect()
    }
}
