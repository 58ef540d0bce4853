//! `cargo xtask pooler`: the service behind PgBouncer in transaction mode, set up as docs/operations.md says.
//!
//! One that does not keep prepared statements has to be refused, by the service, the doctor and migrations alike; through
//! one that keeps them everything has to work.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::{process::Command, time::sleep};
use tools_kit::{
    process,
    program::{self, Profile},
    report,
    running_service::{Service, SetUp},
    workspace,
};
use tools_postgres::throwaway;

use crate::{
    bouncer::{Bouncer, Program, QUERY_WAIT_SECONDS},
    clients::{Clients, Way},
    ledger::Differences,
    store::{Store, USER},
};

/// How many sessions PgBouncer lends: fewer than the service has connections.
const SESSIONS: usize = 4;
/// How long clients write through it.
const WRITING: Duration = Duration::from_secs(5);
/// What the service, the doctor and `migrate` say of one that cannot be used.
const REFUSED: &str = "does not keep prepared statements";
/// How long it takes at the most until the service has looked at its database.
const WARNED: Duration = Duration::from_secs(10);
/// How long the role lets a statement wait for a lock, as docs/operations.md has it, and what a busy machine adds.
const LOCKED: [Duration; 2] = [Duration::from_millis(1900), Duration::from_millis(4900)];

#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Args {
    /// This PgBouncer, rather than the one that is installed or that Debian has
    #[arg(long, value_name = "PROGRAM")]
    pgbouncer: Option<PathBuf>,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    check(args).await?;
    Ok(ExitCode::SUCCESS)
}

/// Tries everything that this PgBouncer can do, and says what it cannot.
pub(crate) async fn check(args: &Args) -> anyhow::Result<()> {
    let program = program::build(Profile::Dev).await?;
    let server = throwaway::start().await?;
    let store = Store::prepare(server.url().to_owned()).await?;
    let pgbouncer = Program::find(args.pgbouncer.as_deref()).await?;
    let name = format!("PgBouncer {}.{}", pgbouncer.version.0, pgbouncer.version.1);
    let try_out = Tryout { program, folder: server.folder().to_owned(), store, pgbouncer };
    try_out.is_refused().await.with_context(|| format!("{name} without prepared statements"))?;
    report::note(&format!(
        "{name} without prepared statements is refused by the service, doctor and migrations"
    ));
    if !try_out.pgbouncer.can_keep_statements() {
        report::note(&format!(
            "{name} cannot keep prepared statements, so the rest was not tried: name one from 1.21 on with --pgbouncer"
        ));
        return Ok(());
    }
    let written = try_out.works().await.with_context(|| format!("{name} with prepared statements"))?;
    report::note(&format!(
        "{name} with prepared statements works: {written} writes over {SESSIONS} sessions, none lost, none refused"
    ));
    Ok(())
}

struct Tryout {
    program: PathBuf,
    folder: PathBuf,
    store: Store,
    pgbouncer: Program,
}

/// What a program said and with what it ended.
struct Said {
    code: Option<i32>,
    words: String,
}

impl Tryout {
    async fn bouncer(&self, keeps_statements: bool) -> anyhow::Result<Bouncer> {
        Bouncer::start(&self.pgbouncer, &self.folder, self.store.url(), SESSIONS, keeps_statements).await
    }

    async fn is_refused(&self) -> anyhow::Result<()> {
        let bouncer = self.bouncer(false).await?;
        let served = self.say(&[], bouncer.url(), None).await?;
        ensure!(served.code == Some(1), "the service ends with {:?}:\n{}", served.code, served.words);
        ensure!(served.words.contains(REFUSED), "the service says:\n{}", served.words);
        // Twice, since what the first one leaves prepared is in the way of the second one.
        for _ in 0..2 {
            let doctor = self.say(&["doctor"], bouncer.url(), None).await?;
            let words = doctor.words.split_whitespace().collect::<Vec<_>>().join(" ");
            let told = words.contains("problem pooler") && words.contains(REFUSED);
            ensure!(told && doctor.code == Some(1), "the doctor says:\n{}", doctor.words);
        }
        self.migration_needs_the_direct_way(bouncer.url()).await
    }

    async fn migration_needs_the_direct_way(&self, through: &str) -> anyhow::Result<()> {
        let refused = self.say(&["migrate", "run"], through, None).await?;
        let told = refused.words.contains("DATABASE_DIRECT_URL") && refused.code == Some(1);
        ensure!(told, "`migrate run` through PgBouncer says:\n{}", refused.words);
        let direct = self.say(&["migrate", "run"], through, Some(self.store.url())).await?;
        ensure!(direct.code == Some(0), "`migrate run` by the direct way says:\n{}", direct.words);
        Ok(())
    }

    /// Returns how much was written.
    async fn works(&self) -> anyhow::Result<usize> {
        let bouncer = self.bouncer(true).await?;
        self.migration_needs_the_direct_way(bouncer.url()).await?;
        self.limits_are_the_role_s(&bouncer).await?;
        // PgBouncer has sessions from before the limits were set: a new one has none.
        drop(bouncer);
        let bouncer = self.bouncer(true).await?;
        let doctor = self.say(&["doctor"], bouncer.url(), Some(self.store.url())).await?;
        let well = doctor.code == Some(0) && !doctor.words.contains("warning");
        ensure!(well, "with the limits set the doctor says:\n{}", doctor.words);
        self.a_busy_one_is_not_taken_for_one_that_loses_statements(&bouncer).await?;
        let mut service = self.service("with-limits", &bouncer).await?;
        self.one_task(&service).await?;
        self.a_lock_is_not_waited_for_beyond_the_role_s_limit(&service).await?;
        let written = self.clients_write(&service).await?;
        let status = service.end().await?;
        ensure!(status.success(), "the service ended with {status}");
        let warned = service.first_warning().filter(|line| !line.contains("the database is unavailable"));
        ensure!(warned.is_none(), "the service warned: {}", warned.unwrap_or_default());
        Ok(written)
    }

    /// The service sets nothing on sessions, says what the role lacks, and in statements that can be run.
    async fn limits_are_the_role_s(&self, bouncer: &Bouncer) -> anyhow::Result<()> {
        let mut service = self.service("without-limits", bouncer).await?;
        self.one_task(&service).await?;
        let since = Instant::now();
        while service.first_warning().is_none() && since.elapsed() < WARNED {
            sleep(Duration::from_millis(50)).await;
        }
        service.end().await?;
        let warning =
            service.first_warning().context("the service does not warn of a role without limits")?;
        ensure!(warning.contains("ALTER ROLE"), "the service warns otherwise: {warning}");
        for session in self.sessions(bouncer.url()).await? {
            ensure!(session == "0 on", "something was set on a session: {session}");
        }
        let line: Value = serde_json::from_str(&warning).context("a line of the log is no JSON")?;
        let statements = line["fields"]["run"].as_str().or(line["run"].as_str());
        let statements = statements.with_context(|| format!("no statements are named: {warning}"))?;
        let client = tools_postgres::connect(self.store.url()).await?;
        client.batch_execute(statements).await.with_context(|| format!("`{statements}` cannot be run"))?;
        Ok(())
    }

    /// What PgBouncer says when it has no session to lend, or no PostgreSQL, is no reason to end.
    async fn a_busy_one_is_not_taken_for_one_that_loses_statements(
        &self,
        bouncer: &Bouncer,
    ) -> anyhow::Result<()> {
        let mut holding = Vec::new();
        for _ in 0..SESSIONS {
            let client = tools_postgres::connect(bouncer.url()).await?;
            client.batch_execute("BEGIN").await?;
            holding.push(client);
        }
        let mut service = self.service("without-sessions", bouncer).await?;
        let until = Instant::now() + Duration::from_secs(2 * QUERY_WAIT_SECONDS + 2);
        while Instant::now() < until {
            let runs = program::is_healthy(service.address()).await;
            ensure!(runs, "while no session was free, the service ended: {:?}", service.last_warning());
            sleep(Duration::from_millis(200)).await;
        }
        drop(holding);
        self.one_task(&service).await.context("once there are sessions again")?;
        service.end().await.map(drop)
    }

    /// What is set on each of the sessions, which are all held at the same time.
    async fn sessions(&self, url: &str) -> anyhow::Result<Vec<String>> {
        let mut clients = Vec::new();
        let mut found = Vec::new();
        for _ in 0..SESSIONS {
            let client = tools_postgres::connect(url).await?;
            client.batch_execute("BEGIN").await?;
            let sql =
                "SELECT current_setting('statement_timeout') || ' ' || current_setting('enable_seqscan')";
            found.push(client.query_one(sql, &[]).await?.try_get(0)?);
            clients.push(client);
        }
        Ok(found)
    }

    /// What a client does with one task, pages and a repeated key included.
    async fn one_task(&self, service: &Service) -> anyhow::Result<()> {
        let http = reqwest::Client::new();
        let tasks = format!("{}/api/{USER}/tasks", service.url());
        let send = async |request: reqwest::RequestBuilder, expected: u16| {
            let answer = request.bearer_auth(self.store.token()).send().await?;
            let (status, text) = (answer.status().as_u16(), answer.text().await?);
            ensure!(status == expected, "{status} instead of {expected}: {text}");
            serde_json::from_str::<Value>(&text).context("an answer is no JSON")
        };
        let create = |key: &str, title: &str| titled(http.post(&tasks).header("Idempotency-Key", key), title);
        let key = workspace::random_hex(8)?;
        let task = send(create(&key, "one"), 201).await?;
        ensure!(send(create(&key, "one"), 201).await? == task, "a repeated request is carried out again");
        send(create(&key, "other"), 422).await?;
        send(create(&format!("{key}-2"), "two"), 201).await?;
        let page = send(http.get(format!("{tasks}?limit=1")), 200).await?;
        let cursor = page["next_cursor"].as_str().context("there is no further page")?.to_owned();
        let next = send(http.get(format!("{tasks}?limit=1&cursor={cursor}")), 200).await?;
        ensure!(next["tasks"][0]["id"] != page["tasks"][0]["id"], "the next page is the same");
        let one = format!("{tasks}/{}", task["id"]);
        send(http.get(&one), 200).await?;
        send(http.patch(format!("{one}/complete")), 200).await?;
        send(titled(http.put(&one).header("If-Match", "\"1\""), "x"), 412).await?;
        send(titled(http.put(&one).header("If-Match", "\"2\""), "x"), 200).await?;
        send(http.delete(&one), 200).await?;
        send(http.get(&one), 404).await.map(drop)
    }

    /// Only the role has set that limit.
    async fn a_lock_is_not_waited_for_beyond_the_role_s_limit(
        &self,
        service: &Service,
    ) -> anyhow::Result<()> {
        let (http, tasks) = (reqwest::Client::new(), format!("{}/api/{USER}/tasks", service.url()));
        let created = http.post(&tasks).bearer_auth(self.store.token());
        let task: Value = serde_json::from_str(&titled(created, "locked").send().await?.text().await?)?;
        let client = tools_postgres::connect(self.store.url()).await?;
        client.batch_execute("BEGIN; SELECT 1 FROM tasks FOR UPDATE").await?;
        let since = Instant::now();
        let change = http.patch(format!("{tasks}/{}/complete", task["id"])).bearer_auth(self.store.token());
        let status = change.send().await?.status();
        let took = since.elapsed();
        client.batch_execute("ROLLBACK").await?;
        ensure!(status == 503, "a change of a locked task is answered {status}");
        ensure!(took > LOCKED[0] && took < LOCKED[1], "the lock was waited for {took:?}");
        Ok(())
    }

    async fn clients_write(&self, service: &Service) -> anyhow::Result<usize> {
        self.store.empty().await?;
        let url = service.url();
        let way = Way {
            url: &url,
            token: self.store.token(),
            watched: false,
            patience: Duration::from_secs(20),
            pace: Duration::ZERO,
            description: 0,
        };
        let clients = Clients::start(&way, &workspace::random_hex(4)?)?;
        sleep(WRITING).await;
        let ledger = clients.stop().await?;
        let differences = ledger.compare(&self.store.titles().await?);
        ensure!(
            differences == Differences::default(),
            "the table is not what was acknowledged: {differences:?}"
        );
        let unanswered = ledger.answers_503() + ledger.broken_off() + ledger.refused();
        let last = service.last_warning().unwrap_or_default();
        ensure!(
            unanswered == 0,
            "{unanswered} requests were not carried out; the service said at last: {last}"
        );
        let surprises = ledger.surprises().join("\n");
        ensure!(surprises.is_empty(), "{surprises}");
        ensure!(ledger.acknowledged() > 0, "nothing was written");
        Ok(ledger.acknowledged())
    }

    async fn service(&self, name: &'static str, bouncer: &Bouncer) -> anyhow::Result<Service> {
        let set_up = SetUp {
            name,
            folder: &self.folder,
            database: bouncer.url(),
            secret: self.store.secret(),
            settings: &[("DATABASE_DIRECT_URL", self.store.url()), ("SHUTDOWN_DRAIN_SECONDS", "0")],
        };
        Service::start(self.program.clone(), &set_up).await
    }

    /// Runs the program to its end.
    async fn say(&self, arguments: &[&str], database: &str, direct: Option<&str>) -> anyhow::Result<Said> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().current_dir(&self.folder);
        command.env("DATABASE_URL", database).env("BETTER_AUTH_SECRET", self.store.secret()).env("PORT", "0");
        if let Some(direct) = direct {
            command.env("DATABASE_DIRECT_URL", direct);
        }
        let output = tokio::time::timeout(Duration::from_secs(30), process::output(&mut command)).await;
        let output = output.context("the program does not end")??;
        let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        Ok(Said { code: output.status.code(), words: words.into_owned() })
    }
}

/// The request with a title as its body.
fn titled(request: reqwest::RequestBuilder, title: &str) -> reqwest::RequestBuilder {
    request.header("Content-Type", "application/json").body(format!("{{\"title\":\"{title}\"}}"))
}
