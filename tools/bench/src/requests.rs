//! The requests that the load generator draws from: a file for each workload, made before anything is measured.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
use serde_json::json;
use tools_kit::token;

use crate::{
    data::{Chance, DataSet, User},
    workload::Workload,
};

/// Longer than any run: no answer must be a refusal because a token ended.
const TOKEN_TTL: Duration = Duration::from_hours(72);

/// The tokens of users, each signed once.
pub(crate) struct Tokens {
    secret: String,
    issued: HashMap<u64, String>,
}

impl Tokens {
    pub(crate) fn new(secret: &str) -> Self {
        Self { secret: secret.to_owned(), issued: HashMap::new() }
    }

    pub(crate) fn of(&mut self, user: User) -> anyhow::Result<&str> {
        if !self.issued.contains_key(&user.0) {
            let token = token::issue(&self.secret, &user.to_string(), TOKEN_TTL)?;
            self.issued.insert(user.0, token);
        }
        self.issued.get(&user.0).map(String::as_str).context("a token that was just signed is gone")
    }
}

/// Writes so many requests of a workload, each on a line: method, path, token and body, with tabs in between.
pub(crate) fn write(
    path: &Path,
    workload: Workload,
    data: DataSet,
    tokens: &mut Tokens,
    count: u64,
) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(File::create(path).with_context(cannot)?);
    let mut chance = Chance::new(workload as u64);
    let parts = workload.parts();
    for _ in 0..count {
        let kind = draw(&parts, chance.below(100));
        let task = 1 + chance.below(data.tasks);
        let user = if kind == Workload::FirstPage { data.reader() } else { data.owner(task) };
        let body = if kind.has_body() { body(&mut chance) } else { String::new() };
        writeln!(file, "{}\t{}\t{}\t{body}", kind.method(), kind.path(user, task), tokens.of(user)?)
            .with_context(cannot)?;
    }
    file.flush().with_context(cannot)
}

/// A title of three to six words, and a description of about 80 characters.
pub(crate) fn body(chance: &mut Chance) -> String {
    let title = 3 + chance.below(4);
    json!({ "title": chance.words(title), "description": chance.words(14) }).to_string()
}

/// The kind at a place from 0 to 99.
fn draw(parts: &[(Workload, u32)], place: u64) -> Workload {
    let mut end = 0;
    let found = parts.iter().find(|(_, share)| {
        end += u64::from(*share);
        place < end
    });
    found.or(parts.last()).map_or(Workload::Get, |(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use tools_kit::scratch::Scratch;

    use super::*;
    use crate::data::USUAL;

    fn lines(workload: Workload, count: u64) -> Vec<String> {
        let scratch = Scratch::new();
        let path = scratch.path().join("requests");
        let mut tokens = Tokens::new("0123456789abcdef0123456789abcdef");
        write(&path, workload, USUAL, &mut tokens, count).unwrap();
        std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_request_is_of_the_owner_of_its_task() {
        for line in lines(Workload::Toggle, 100) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [method, path, token, body] = fields[..] else { panic!("{line}") };
            assert_eq!((method, body, token.split('.').count()), ("PATCH", "", 3));
            let parts: Vec<&str> = path.split('/').collect();
            let task: u64 = parts[4].parse().unwrap();
            assert_eq!(path, format!("/api/{}/tasks/{task}/complete", USUAL.owner(task)));
        }
    }

    #[test]
    fn a_body_has_a_title_and_a_description() {
        let line = lines(Workload::Create, 1).remove(0);
        let body: serde_json::Value = serde_json::from_str(line.split('\t').nth(3).unwrap()).unwrap();
        let words = body["title"].as_str().unwrap().split(' ').count();
        assert!((3..=6).contains(&words), "{body}");
        assert!((60..110).contains(&body["description"].as_str().unwrap().len()), "{body}");
    }

    #[test]
    fn a_mix_has_the_shares_that_it_says() {
        let lines = lines(Workload::Mix, 10_000);
        let share = |method: &str| lines.iter().filter(|line| line.starts_with(method)).count();
        for (method, hundredths) in [("GET", 60), ("POST", 15), ("PUT", 15), ("PATCH", 10)] {
            let found = share(method);
            assert!(found.abs_diff(hundredths * 100) < 200, "{method}: {found} of 10000");
        }
    }

    #[test]
    fn a_first_page_is_always_of_the_same_user() {
        let lines = lines(Workload::FirstPage, 50);
        let path = format!("\t/api/{}/tasks?limit=100\t", USUAL.reader());
        assert!(lines.iter().all(|line| line.contains(&path)));
    }
}
