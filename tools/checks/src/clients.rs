//! `cargo xtask clients`: the OpenAPI document as other tools read it. Validators judge it, generators make clients of it, and
//! each client calls a running service once.

mod generators;
mod workshop;

use std::time::Duration;

use anyhow::{Context as _, bail};
use tools_kit::{report, token};

use self::{
    generators::{GENERATORS, Generator},
    workshop::Workshop,
};
use crate::served::Served;

/// It has to be percent-encoded in a path, in every way that a client can forget.
const USER: &str = "a/b?c#d %2F+é";
/// Longer than any run.
const TOKEN_TTL: Duration = Duration::from_hours(1);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also the generators that take longer or whose clients cannot be compiled here: Go, Kotlin and Swift
    #[arg(long)]
    all: bool,
    /// Only the generators with this in their name, such as `orval`
    #[arg(value_name = "NAME")]
    only: Option<String>,
}

impl Args {
    fn chosen(&self) -> Vec<&'static Generator> {
        let is_chosen = |it: &&Generator| match &self.only {
            Some(name) => it.name.contains(name.as_str()),
            None => self.all || it.is_quick,
        };
        GENERATORS.iter().filter(is_chosen).collect()
    }
}

/// Judges the document, makes the clients, compiles them, and calls a service with each.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    let chosen = args.chosen();
    if chosen.is_empty() {
        let names: Vec<_> = GENERATORS.iter().map(|generator| generator.name).collect();
        bail!("there is no such generator; there are {}", names.join(", "));
    }
    let workshop = Workshop::prepare(&chosen).await?;
    report::headline("What validators say of docs/openapi.json");
    workshop.judge().await?;
    report::headline("Clients made from docs/openapi.json");
    for generator in &chosen {
        report::step(generator.name, workshop.generate(generator)).await?;
    }
    workshop.compile(&chosen).await?;
    call(&workshop, &chosen).await?;
    for generator in chosen.iter().filter(|generator| generator.client.is_none()) {
        report::note(&format!("{}: generated only, neither compiled nor called.", generator.name));
    }
    println!("The document is read by {} generators as it should be.", chosen.len());
    Ok(())
}

/// Calls a service of its own with each client.
async fn call(workshop: &Workshop, chosen: &[&Generator]) -> anyhow::Result<()> {
    let Served { service, secret, database } = Served::start().await?;
    let insert = r#"INSERT INTO users ("id", "name", "email", "emailVerified") VALUES ($1, $1, $1, true)"#;
    let connection = tools_postgres::connect(database.url()).await?;
    connection.execute(insert, &[&USER]).await.context("cannot add a user")?;
    report::headline("The service called with each client");
    let variables = [
        ("TASK_API_URL", service.url()),
        ("TASK_API_USER", USER.to_owned()),
        ("TASK_API_TOKEN", token::issue(&secret, USER, TOKEN_TTL)?),
    ];
    for generator in chosen {
        let Some(client) = &generator.client else { continue };
        report::step(generator.name, workshop.call(client, &variables)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: bool, only: Option<&str>) -> Vec<&'static str> {
        let args = Args { all, only: only.map(str::to_owned) };
        args.chosen().into_iter().map(|generator| generator.name).collect()
    }

    #[test]
    fn the_quick_generators_are_chosen_unless_all_or_one_is_asked_for() {
        assert!(
            names(false, None).contains(&"orval") && !names(false, None).contains(&"openapi-generator go")
        );
        assert_eq!(names(true, None).len(), GENERATORS.len());
        assert_eq!(names(false, Some("swift")), ["openapi-generator swift6"]);
        assert_eq!(names(true, Some("nothing")), [] as [&str; 0]);
    }
}
