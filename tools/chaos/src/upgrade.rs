//! `cargo xtask upgrade`: from an earlier program to this one and back under load, as docs/operations.md says.
//!
//! The earlier program serves while this one migrates, then on the schema of this one, then beside it. Clients create,
//! read, change, complete, list and delete with whichever program it is the turn of, and nothing may fail.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::{process::Command, task::JoinSet, time::sleep};
use tools_kit::{
    process,
    program::{self, Profile},
    report,
    running_service::{Service, SetUp},
    table::Table,
    workspace,
};
use tools_postgres::throwaway;

use crate::{
    asking::{Answer, Asking},
    ledger::{Differences, Ledger},
    store::{Store, USER, VISITOR},
};

/// How many clients there are.
const CLIENTS: usize = 8;
/// How many states there are of who serves.
const STATES: usize = 6;
/// How long each state lasts.
const STATE: Duration = Duration::from_secs(5);
/// How long no client sends anything to a service before it is ended, as a load balancer would do it.
const DRAIN: Duration = Duration::from_secs(1);

#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// The program of the earlier release
    #[arg(long, value_name = "PROGRAM")]
    from: PathBuf,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let new = program::build(Profile::Release).await?;
    let old = args.from.canonicalize().with_context(|| format!("there is no {}", args.from.display()))?;
    let server = throwaway::start_durable().await?;
    let store = Store::with_users(server.url().to_owned()).await?;
    let scene = Scene { old, new, folder: server.folder(), store: &store };
    let clients = scene.play().await?;
    let differences = clients.ledger.compare(&store.titles().await?);
    println!("\n{}", clients.table());
    let states = lock(&clients.share.answered).len();
    ensure!(states == STATES, "there are right answers in {states} of {STATES} states");
    let ledger = &clients.ledger;
    let unanswered = ledger.broken_off() + ledger.refused() + ledger.answers_503();
    ensure!(unanswered == 0, "{unanswered} requests were not answered, or with 503");
    let surprises = ledger.surprises();
    ensure!(surprises.is_empty(), "{} answers are wrong, such as {}", surprises.len(), surprises[0]);
    ensure!(
        differences == Differences::default(),
        "what was acknowledged is not what is there: {differences:?}"
    );
    report::note(&format!("{} acknowledged creations are there, each once", ledger.acknowledged()));
    Ok(ExitCode::SUCCESS)
}

struct Scene<'a> {
    old: PathBuf,
    new: PathBuf,
    folder: &'a Path,
    store: &'a Store,
}

impl Scene<'_> {
    async fn play(&self) -> anyhow::Result<Clients> {
        report::note(&format!("The earlier program: {}", self.migrate(&self.old).await?));
        let mut old = self.service("earlier", &self.old).await?;
        let clients = Clients::start(self.store, &old)?;
        sleep(STATE).await;
        clients.now("the earlier program while this one migrates");
        let applied = self.migrate(&self.new).await?;
        report::note(&format!("This program: {applied}"));
        ensure!(applied.contains("applied"), "there is nothing to migrate, so that nothing was tried");
        clients.hold("the earlier program on the new schema").await;
        let mut new = self.service("this", &self.new).await?;
        clients.send_to(&[&old, &new]);
        clients.hold("both beside each other").await;
        clients.send_to(&[&new]);
        clients.hold("this program alone").await;
        end(&mut old).await?;
        old.start_again().await?;
        clients.send_to(&[&old]);
        clients.hold("back to the earlier program").await;
        end(&mut new).await?;
        let clients = clients.stop().await?;
        end(&mut old).await?;
        Ok(clients)
    }

    async fn service(&self, name: &'static str, program: &Path) -> anyhow::Result<Service> {
        let set_up = SetUp {
            name,
            folder: self.folder,
            database: self.store.url(),
            secret: self.store.secret(),
            settings: &[],
        };
        Service::start(program.to_owned(), &set_up).await
    }

    /// Runs the migrations of that program, and hands back what it says of them.
    async fn migrate(&self, program: &Path) -> anyhow::Result<String> {
        let mut command = Command::new(program);
        command.args(["migrate", "run"]).current_dir(self.folder);
        let said = process::capture(command.env_clear().env("DATABASE_URL", self.store.url())).await?;
        Ok(said.trim().replace('\n', ", "))
    }
}

/// Ends a service to which no client sends anything any more.
async fn end(service: &mut Service) -> anyhow::Result<()> {
    sleep(DRAIN).await;
    let status = service.end().await?;
    ensure!(status.success(), "a service ended with {status}");
    Ok(())
}

/// Clients that make tasks, change, list and delete them until `stop`.
struct Clients {
    ledger: Arc<Ledger>,
    share: Arc<Share>,
    tasks: JoinSet<()>,
}

/// What all clients share.
struct Share {
    stop: AtomicBool,
    /// Where requests go, in turn.
    bases: Mutex<Vec<String>>,
    sent: AtomicUsize,
    /// How many answers were right in each state, in the order of the states.
    answered: Mutex<BTreeMap<(usize, &'static str), usize>>,
    state: Mutex<(usize, &'static str)>,
}

#[derive(Clone)]
struct Client {
    share: Arc<Share>,
    ledger: Arc<Ledger>,
    /// Whose tasks stay, and whose are deleted.
    keeping: Asking,
    deleting: Asking,
}

impl Clients {
    fn start(store: &Store, service: &Service) -> anyhow::Result<Self> {
        let ledger = Arc::new(Ledger::default());
        let share = Arc::new(Share {
            stop: AtomicBool::new(false),
            bases: Mutex::new(vec![service.url()]),
            sent: AtomicUsize::new(0),
            answered: Mutex::default(),
            state: Mutex::new((0, "the earlier program on its own schema")),
        });
        let client = Client {
            share: Arc::clone(&share),
            ledger: Arc::clone(&ledger),
            keeping: Asking::new(store.token(), Arc::clone(&ledger))?,
            deleting: Asking::new(store.visitor_token(), Arc::clone(&ledger))?,
        };
        let mut tasks = JoinSet::new();
        for number in 0..CLIENTS {
            let (client, run) = (client.clone(), workspace::random_hex(4)?);
            tasks.spawn(async move { client.work(&format!("{run}-{number}")).await });
        }
        Ok(Self { ledger, share, tasks })
    }

    /// From now on it is so.
    fn now(&self, state: &'static str) {
        let mut now = lock(&self.share.state);
        *now = (now.0 + 1, state);
    }

    /// From now on it is so, for a while.
    async fn hold(&self, state: &'static str) {
        self.now(state);
        sleep(STATE).await;
    }

    fn send_to(&self, services: &[&Service]) {
        *lock(&self.share.bases) = services.iter().map(|service| service.url()).collect();
    }

    /// Lets each end what it is at.
    async fn stop(mut self) -> anyhow::Result<Self> {
        self.share.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a client has failed")?;
        }
        Ok(self)
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["who serves", "right answers"]);
        for ((_, state), number) in lock(&self.share.answered).iter() {
            table.row(vec![(*state).to_owned(), number.to_string()]);
        }
        table
    }
}

impl Client {
    async fn work(&self, name: &str) {
        for round in 0_usize.. {
            if self.share.stop.load(Ordering::Relaxed) {
                return;
            }
            // What is wrong stands in the ledger, and this client goes on with another task.
            let _ = self.round(&format!("{name}-{round}"), round.is_multiple_of(2)).await;
        }
    }

    /// A task, from its creation on. One that is kept counts as acknowledged.
    async fn round(&self, title: &str, keep: bool) -> Option<()> {
        let (asking, user) = if keep { (&self.keeping, USER) } else { (&self.deleting, VISITOR) };
        let send =
            |method, path: &str| asking.send(method, &format!("{}/api/{user}/tasks{path}", self.base()));
        let create = send(Method::POST, "").header("Idempotency-Key", title);
        let since = Instant::now();
        let created = self.ask(create.body(format!("{{\"title\":\"{title}\"}}")), 201).await?;
        if keep {
            self.ledger.acknowledge(title.to_owned(), since);
        }
        let Some(id) = json(&created)["id"].as_u64() else {
            self.ledger.unexpected(format!("{title} was created without an id: {}", created.body));
            return None;
        };
        let task = format!("/{id}");
        self.shows(send(Method::GET, &task), title, false).await?;
        self.shows(send(Method::PUT, &task).body("{\"description\":\"changed\"}"), title, false).await?;
        self.shows(send(Method::PATCH, &format!("{task}/complete")), title, true).await?;
        let pending = self.ask(send(Method::GET, "?status=pending"), 200).await?;
        if pending.body.contains(&format!("\"{title}\"")) {
            self.ledger.unexpected(format!("{title} is completed, and in the list of what is pending"));
        }
        if !keep {
            self.ask(send(Method::DELETE, &task), 200).await?;
            self.ask(send(Method::GET, &task), 404).await?;
        }
        Some(())
    }

    /// The answer has to be that task.
    async fn shows(&self, request: RequestBuilder, title: &str, completed: bool) -> Option<()> {
        let answer = self.ask(request, 200).await?;
        let task = json(&answer);
        if task["title"] == title && task["completed"] == completed {
            return Some(());
        }
        self.ledger.unexpected(format!("{title} is answered with {}", answer.body));
        None
    }

    /// The answer, if it has that status.
    async fn ask(&self, request: RequestBuilder, status: u16) -> Option<Answer> {
        let state = *lock(&self.share.state);
        let answer = self.keeping.answer(request).await?;
        match answer.status {
            found if found == status => {
                *lock(&self.share.answered).entry(state).or_default() += 1;
                return Some(answer);
            }
            503 => self.ledger.unavailable(&answer.body),
            found => self.ledger.unexpected(format!("{found} instead of {status}: {}", answer.body)),
        }
        None
    }

    fn base(&self) -> String {
        let bases = lock(&self.share.bases);
        bases[self.share.sent.fetch_add(1, Ordering::Relaxed) % bases.len()].clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_default()
}
