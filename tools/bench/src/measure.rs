//! A point: a workload at a number of connections, against the service.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tools_kit::{
    resources::{self, Processors},
    workspace,
};

use crate::{
    args::Args,
    data::{self, DataSet},
    database::Store,
    requests::{self, Tokens},
    sample::{Faults, Sample},
    subject::Subject,
    workload::{Point, Workload},
    wrk::{self, Order},
};

/// How often memory is looked at.
const WATCH: Duration = Duration::from_millis(250);

/// The database of the service in a turn.
const TURN: &str = "turn";

/// All that measuring needs: the program, a server for its databases, and requests.
pub(crate) struct Workshop {
    pub(crate) program: PathBuf,
    pub(crate) store: Store,
    pub(crate) tokens: Tokens,
    secret: String,
}

impl Workshop {
    pub(crate) fn new(program: PathBuf, store: Store) -> anyhow::Result<Self> {
        let secret = workspace::random_hex(32)?;
        Ok(Self { program, store, tokens: Tokens::new(&secret), secret })
    }

    /// Starts the service on a fresh copy of a database.
    pub(crate) async fn start_on_copy(&self, template: &str) -> anyhow::Result<Subject> {
        self.store.copy(template, TURN).await?;
        self.start_on(TURN).await
    }

    /// Starts the service on a database.
    pub(crate) async fn start_on(&self, database: &str) -> anyhow::Result<Subject> {
        let server = self.store.server();
        Subject::start(&self.program, server.folder(), &server.url_of(database)?, &self.secret).await
    }

    /// Ends the service and drops its copy.
    pub(crate) async fn end(&self, subject: Subject) -> anyhow::Result<()> {
        drop(subject);
        self.store.drop(TURN).await
    }

    /// The file of so many requests of a workload, which the first to ask for it makes.
    pub(crate) fn requests(
        &mut self,
        workload: Workload,
        data: DataSet,
        count: u64,
    ) -> anyhow::Result<PathBuf> {
        let name = format!("{}-{}-{count}.requests", workload.name(), data.tasks);
        let path = self.store.server().folder().join(name);
        if !path.exists() {
            requests::write(&path, workload, data, &mut self.tokens, count)?;
        }
        Ok(path)
    }

    /// Measures a point: first for the warm-up, in which each status is looked at, and then for the numbers.
    pub(crate) async fn measure(
        &self,
        subject: &Subject,
        requests: &Path,
        point: Point,
        args: &Args,
        round: u32,
    ) -> anyhow::Result<Sample> {
        let url = subject.url();
        let order = |seconds, seed, strict| Order { url: &url, requests, point, seconds, seed, strict };
        let before = wrk::run(&order(args.warmup, 1000 + round, true)).await?.faults;
        let mut sample = self.watch(subject, &order(args.seconds, round, false), WATCH).await?.0;
        sample.load.faults += before;
        subject.empty_log()?;
        Ok(sample)
    }

    /// Carries out an order and watches what it takes; returns the readings of memory as well.
    pub(crate) async fn watch(
        &self,
        subject: &Subject,
        order: &Order<'_>,
        every: Duration,
    ) -> anyhow::Result<(Sample, Vec<f64>)> {
        let (pid, postgres) = (subject.pid()?, self.store.server().pid());
        let (since, before) = (Instant::now(), Processors::read(Some(pid), postgres)?);
        let (load, memory) = resources::watching(pid, every, wrk::run(order)).await?;
        let used = Processors::read(Some(pid), postgres)?.since(before);
        let peak_mib = memory.iter().copied().fold(0.0, f64::max);
        Ok((Sample { load, used, seconds: since.elapsed().as_secs_f64(), peak_mib }, memory))
    }

    /// The first requests pay for cold caches and for statements that are prepared once for each connection.
    pub(crate) async fn warm(
        &mut self,
        subject: &Subject,
        data: DataSet,
        args: &Args,
    ) -> anyhow::Result<Faults> {
        let mut faults = Faults::default();
        for workload in [Workload::Get, Workload::List] {
            let requests = self.requests(workload, data, data::REQUESTS)?;
            let point = Point { workload, connections: 100 };
            let (url, seconds) = (subject.url(), args.warmup);
            let order = Order { url: &url, requests: &requests, point, seconds, seed: 0, strict: true };
            faults += wrk::run(&order).await?.faults;
        }
        Ok(faults)
    }
}
