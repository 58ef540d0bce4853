//! What the service answered, to be compared with what it answers later.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tools_kit::token;
use tools_postgres::stand_in_users::path_segment;

use crate::restore::texts;

/// How long the tokens of the callers are valid.
const TOKEN_LIFE: Duration = Duration::from_hours(1);
/// The headers that belong to what was answered, and not to when.
const LASTING: [&str; 4] = ["content-type", "etag", "link", "location"];
/// Few tasks on a page, so that there are cursors.
const LISTS: [&str; 6] = [
    "limit=4&total=true",
    "limit=4&sort=title",
    "limit=4&status=pending",
    "limit=4&status=completed&sort=title",
    "limit=4&status=pending&sort=title",
    "sort=title",
];

/// A client that speaks for each of the users.
pub(crate) struct Caller {
    http: reqwest::Client,
    url: String,
    secret: String,
}

/// An answer without what differs each time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    headers: Vec<Option<String>>,
    replayed: bool,
    body: String,
}

impl Answer {
    async fn read(response: Response) -> anyhow::Result<Self> {
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let headers = LASTING.iter().map(|name| header(name)).collect();
        let (status, replayed) = (response.status().as_u16(), header("idempotency-replayed").is_some());
        Ok(Self { status, headers, replayed, body: response.text().await.context("an answer broke off")? })
    }

    /// As much of it as a person can read.
    fn begin(&self) -> String {
        let begin: String = self.body.chars().take(300).collect();
        format!("{} {:?} {begin}", self.status, self.headers)
    }

    fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.body).context("an answer is no JSON")
    }
}

impl Caller {
    pub(crate) fn new(url: String, secret: &str) -> anyhow::Result<Self> {
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(20)).build().context("no HTTP client")?;
        Ok(Self { http, url, secret: secret.to_owned() })
    }

    fn request(&self, method: Method, user: &str, rest: &str) -> anyhow::Result<RequestBuilder> {
        let url = format!("{}/api/{}/tasks{rest}", self.url, path_segment(user));
        Ok(self.http.request(method, url).bearer_auth(token::issue(&self.secret, user, TOKEN_LIFE)?))
    }

    async fn get(&self, user: &str, rest: &str) -> anyhow::Result<Answer> {
        Answer::read(self.request(Method::GET, user, rest)?.send().await?).await
    }

    async fn write(&self, write: &Write) -> anyhow::Result<Answer> {
        let mut request = self.request(write.method.clone(), write.user, &write.rest)?;
        request = request.header("Idempotency-Key", &write.key);
        if let Some(body) = &write.body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        Answer::read(request.send().await?).await
    }
}

/// A write under a key.
struct Write {
    user: &'static str,
    method: Method,
    rest: String,
    key: String,
    body: Option<Value>,
}

/// The creations of a round, each under a key of its own.
fn creations(round: &str) -> Vec<Write> {
    let of_user = |user| {
        texts::bodies().into_iter().enumerate().map(move |(number, body)| Write {
            user,
            method: Method::POST,
            rest: String::new(),
            key: format!("{round}-{number}"),
            body: Some(body),
        })
    };
    texts::USERS.into_iter().flat_map(of_user).collect()
}

/// Lets every user create tasks, complete some, and delete one. Nothing of it may have been done before.
pub(crate) async fn write(caller: &Caller, round: &str) -> anyhow::Result<()> {
    for (number, creation) in creations(round).into_iter().enumerate() {
        let created = caller.write(&creation).await?;
        ensure!((created.status, created.replayed) == (201, false), "creating: {created:?}");
        let id = created.json()?["id"].as_i64().context("a task without a number")?;
        let (method, rest) = match number % 3 {
            0 => (Method::PATCH, format!("/{id}/complete")),
            1 if number % 13 == 4 => (Method::DELETE, format!("/{id}")),
            _ => continue,
        };
        let key = format!("{}-then", creation.key);
        let changed = caller.write(&Write { method, rest, key, body: None, ..creation }).await?;
        ensure!((changed.status, changed.replayed) == (200, false), "changing: {changed:?}");
    }
    Ok(())
}

/// Sends the creations of a round again: each is answered with what it was answered before, and nothing is done.
pub(crate) async fn repeat(caller: &Caller, round: &str) -> anyhow::Result<()> {
    for creation in creations(round) {
        let again = caller.write(&creation).await?;
        ensure!((again.status, again.replayed) == (201, true), "repeating {}: {again:?}", creation.key);
    }
    Ok(())
}

/// What was asked, and what was answered.
pub(crate) struct Memory(Vec<(&'static str, String, Answer)>);

impl Memory {
    /// Asks for every list, page by page, and for every task.
    pub(crate) async fn of(caller: &Caller) -> anyhow::Result<Self> {
        let mut known = Vec::new();
        for user in texts::USERS {
            for list in LISTS {
                let mut rest = format!("?{list}");
                loop {
                    let page = caller.get(user, &rest).await?;
                    ensure!(page.status == 200, "{rest}: {page:?}");
                    let body = page.json()?;
                    known.push((user, rest, page));
                    for task in
                        body["tasks"].as_array().into_iter().flatten().filter(|_| list == "sort=title")
                    {
                        let rest = format!("/{}", task["id"]);
                        let task = caller.get(user, &rest).await?;
                        known.push((user, rest, task));
                    }
                    let Some(cursor) = body["next_cursor"].as_str() else { break };
                    rest = format!("?{list}&cursor={}", path_segment(cursor));
                }
            }
        }
        let cursors = known.iter().filter(|(_, rest, _)| rest.contains("cursor=")).count();
        ensure!(cursors > 0, "no list has a second page");
        Ok(Self(known))
    }

    /// Asks for the same again: with the same cursors, and byte for byte the same answers.
    pub(crate) async fn compare(&self, caller: &Caller) -> anyhow::Result<()> {
        for (user, rest, before) in &self.0 {
            let after = caller.get(user, rest).await?;
            if after != *before {
                bail!(
                    "{user} is answered otherwise at {rest}: {} instead of {}",
                    after.begin(),
                    before.begin()
                );
            }
        }
        Ok(())
    }
}
