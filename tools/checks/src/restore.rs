//! `cargo xtask restore-check`: what docs/operations.md says about backups, done for real.
//!
//! The commands are read out of the document, so that what is tried is what people type. A service writes, its database
//! is taken away and restored, and a service on what came back has to answer as the first one did.

mod document;
mod memory;
mod texts;

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use task_adapters::{Database, migrations, testing};
use tokio::time::sleep;
use tokio_postgres::Client;
use tools_kit::{
    program::{self, Profile},
    report,
    running_service::{Service, SetUp},
    workspace,
};
use tools_postgres::{
    connect,
    throwaway::{self, ThrowAway},
};

use crate::restore::{
    document::Document,
    memory::{Caller, Memory},
};

/// The database of the service, and the one that the document restores it into.
const BEFORE: &str = "shop";
const RESTORED: &str = "shop_restored";
/// Many times what reading the log takes here.
const RECOVERY_LIMIT: Duration = Duration::from_mins(1);

/// Backs up and restores in both ways, and fails if any answer is another one afterwards.
pub(crate) async fn run() -> anyhow::Result<()> {
    let scene = Scene::set().await?;
    let memory = report::step("Writing and remembering", scene.write()).await?;
    report::step("Dump, drop and restore", scene.dump_and_restore(&memory)).await?;
    let moment = report::step("Base backup, more writes and a mistake", scene.mistake()).await?;
    for (name, target) in moment.targets(&scene.document)? {
        let step = format!("Recovery to {name}");
        report::step(&step, scene.recover(name, &target, &moment.memory)).await?;
    }
    println!("What was backed up came back.");
    Ok(())
}

/// A durable server that archives, and what runs on it.
struct Scene {
    program: PathBuf,
    document: Document,
    server: ThrowAway,
    work: PathBuf,
    archive: PathBuf,
    secret: String,
}

/// What was remembered at the moment to go back to.
struct Moment {
    memory: Memory,
    time: String,
}

impl Moment {
    /// The two ways in which the document says where to go back to, with the time of this moment in place of its own.
    fn targets(&self, document: &Document) -> anyhow::Result<[(&'static str, String); 2]> {
        let by_name = document.target("recovery_target_name")?.to_owned();
        let (setting, _) = document.target("recovery_target_time")?.split_once('\'').context("no time")?;
        Ok([("a name", by_name), ("a time", format!("{setting}'{}'", self.time))])
    }
}

impl Scene {
    /// Starts the server and sets it up as the document says.
    async fn set() -> anyhow::Result<Self> {
        let document = Document::read()?;
        let program = program::build(Profile::Dev).await?;
        let server = throwaway::start_durable().await?;
        let clients = "pg_dump, pg_basebackup and psql are needed, and the PostgreSQL that was found has none of them: \
                       install PostgreSQL with its clients, or set PG_BIN_DIR";
        for name in ["pg_dump", "pg_basebackup", "psql"] {
            server.client(name).context(clients)?;
        }
        let (work, archive) = (server.new_folder("work")?, server.new_folder("archive")?);
        let mut scene = Self { program, document, server, work, archive, secret: workspace::random_hex(32)? };
        scene.type_in_as_server("keep the log", &[]).await?;
        scene.server = report::step("Starting it again, with an archive", scene.server.restart()).await?;
        Ok(scene)
    }

    /// Runs the commands of the document that begin with that comment.
    async fn type_in(&self, title: &str, variables: &[(&str, &str)]) -> anyhow::Result<()> {
        self.run(title, ThrowAway::own_shell(), variables).await
    }

    /// The same as the account of the server, to which data and archive belong.
    async fn type_in_as_server(&self, title: &str, variables: &[(&str, &str)]) -> anyhow::Result<()> {
        self.run(title, self.server.shell(), variables).await
    }

    async fn run(&self, title: &str, mut shell: Command, variables: &[(&str, &str)]) -> anyhow::Result<()> {
        // What the document calls `task-api` is the one that was built for this.
        let built = self.program.parent().context("the program is in no folder")?;
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let folders = [built, self.server.programs()].map(PathBuf::from).into_iter();
        shell.env("PATH", std::env::join_paths(folders.chain(std::env::split_paths(&usual)))?);
        shell.env("SERVER_URL", self.server.url()).env("ARCHIVE", &self.archive);
        shell.env("BACKUP", self.work.join("base")).envs(variables.iter().copied()).current_dir(&self.work);
        self.document.run(title, shell).await
    }

    fn url(&self, database: &str) -> anyhow::Result<String> {
        self.server.url_of(database)
    }

    /// Runs the service on a database for as long as the work takes.
    async fn serving<T>(
        &self,
        url: &str,
        work: impl AsyncFnOnce(&Caller) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let set_up = SetUp {
            name: "service",
            folder: &self.work,
            database: url,
            secret: &self.secret,
            settings: &[("SHUTDOWN_DRAIN_SECONDS", "0")],
        };
        let mut service = Service::start(self.program.clone(), &set_up).await?;
        let outcome = work(&Caller::new(service.url(), &self.secret)?).await?;
        let ended = service.end().await?;
        ensure!(ended.success(), "the service ended with {ended}");
        Ok(outcome)
    }

    /// Makes the database, lets several users write all kinds of text, and remembers what they are answered.
    async fn write(&self) -> anyhow::Result<Memory> {
        let server = connect(self.server.url()).await?;
        execute(&server, &format!("CREATE DATABASE {BEFORE}")).await?;
        let url = self.url(BEFORE)?;
        let database = Database::parse(&url)?;
        testing::create_users_table(&database).await.map_err(anyhow::Error::from_boxed)?;
        for user in texts::USERS {
            testing::insert_user(&database, user).await.map_err(anyhow::Error::from_boxed)?;
        }
        migrations::run(&database).await?;
        self.serving(&url, async |caller| {
            memory::write(caller, "first").await?;
            Memory::of(caller).await
        })
        .await
    }

    async fn dump_and_restore(&self, memory: &Memory) -> anyhow::Result<()> {
        self.type_in("dump", &[("DATABASE_URL", &self.url(BEFORE)?)]).await?;
        let server = connect(self.server.url()).await?;
        execute(&server, &format!("DROP DATABASE {BEFORE} WITH (FORCE)")).await?;
        let url = self.url(RESTORED)?;
        self.type_in("restore the dump", &[("RESTORED_URL", &url)]).await?;
        self.serving(&url, async |caller| {
            memory.compare(caller).await?;
            memory::repeat(caller, "first").await?;
            memory.compare(caller).await
        })
        .await
    }

    /// Takes a base backup, lets users write more, names the moment, and then deletes everything.
    async fn mistake(&self) -> anyhow::Result<Moment> {
        let url = self.url(RESTORED)?;
        self.type_in_as_server("take a base backup", &[]).await?;
        let client = connect(&url).await?;
        self.serving(&url, async |caller| {
            memory::write(caller, "second").await?;
            let memory = Memory::of(caller).await?;
            self.type_in_as_server("name the moment", &[]).await?;
            let now = client.query_one("SELECT clock_timestamp()::text", &[]).await?;
            // A recovery to a time ends before the first change after it.
            sleep(Duration::from_millis(50)).await;
            memory::write(caller, "third").await?;
            execute(&client, "DELETE FROM tasks").await?;
            ensure!(memory.compare(caller).await.is_err(), "deleting everything changed nothing");
            Ok(Moment { memory, time: now.get(0) })
        })
        .await
    }

    async fn recover(&self, name: &str, target: &str, memory: &Memory) -> anyhow::Result<()> {
        let beside = self.server.beside(&name.replace(' ', "-"))?;
        let recovered = beside.data();
        let recovered = recovered.to_str().context("the folder for temporary files is no text")?;
        self.type_in_as_server("recover", &[("TARGET", target), ("RECOVERED", recovered)]).await?;
        let (_server, url) = beside.start(RESTORED).await?;
        let client = recovered_at(&url).await?;
        self.serving(&url, async |caller| {
            memory.compare(caller).await?;
            memory::repeat(caller, "first").await?;
            memory::repeat(caller, "second").await?;
            // The third came after the moment: it is gone, and so are its keys.
            memory::write(caller, "third").await
        })
        .await?;
        execute(&client, self.document.statement("setval")?).await?;
        let next = client.query_one("SELECT nextval('tasks_id_seq')", &[]).await?;
        ensure!(next.get::<_, i64>(0) > 1_000_000, "the numbers of tasks have not moved on");
        Ok(())
    }
}

/// Waits until a server has read the log up to the moment: before that it answers as well, with what it has.
async fn recovered_at(url: &str) -> anyhow::Result<Client> {
    let ended = "the recovered server ended before it came to the moment";
    let (client, since) = (connect(url).await.context(ended)?, Instant::now());
    while client.query_one("SELECT pg_is_in_recovery()", &[]).await.context(ended)?.get(0) {
        ensure!(
            since.elapsed() < RECOVERY_LIMIT,
            "{} s were not enough to recover",
            RECOVERY_LIMIT.as_secs()
        );
        sleep(Duration::from_millis(20)).await;
    }
    Ok(client)
}

async fn execute(client: &Client, sql: &str) -> anyhow::Result<()> {
    client.batch_execute(sql).await.with_context(|| format!("PostgreSQL refuses `{sql}`"))
}
