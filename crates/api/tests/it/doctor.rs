//! `task-api doctor`: the real program on a real database, with a key server that misbehaves in every way.

mod key_server;

use std::net::TcpListener;

use serde_json::json;
use task_adapters::testing::{TestDatabase, create_users_table};
use tokio::runtime::Runtime;

use self::key_server::{KeyServer, Pair};
use crate::helpers::{
    SECRET,
    program::{NOWHERE, Outcome, run, run_with_input},
    servers::{ClosedPort, database, runtime},
    sign, token,
    tokens::{HEADER, now},
};

/// Runs the doctor and checks that its exit code is what its lines say, and that no secret is shown.
#[track_caller]
fn doctor(variables: &[(&str, &str)], token: Option<&str>) -> Outcome {
    let outcome = match token {
        Some(token) => run_with_input(&["doctor", "--token", "-"], variables, token),
        None => run(&["doctor"], variables),
    };
    let problem = outcome.stdout.lines().any(|line| line.starts_with("problem "));
    assert_eq!(outcome.code, Some(i32::from(problem)), "{}\n{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.stderr, "");
    let parts = token.into_iter().flat_map(|token| token.split('.')).filter(|part| part.len() > 20);
    for secret in parts.chain([SECRET, "hunter2"]) {
        assert!(!outcome.stdout.contains(secret), "{}", outcome.stdout);
    }
    outcome
}

impl Outcome {
    /// The words of all findings of that verdict and name, in one line.
    fn says(&self, verdict: &str, name: &str) -> String {
        let mut words = String::new();
        let mut within = false;
        for line in self.stdout.lines() {
            within = if line.starts_with(' ') {
                within
            } else {
                line.starts_with(&format!("{verdict:<9}{name:<17}"))
            };
            if within && !line.is_empty() {
                words.push_str(&line[26..]);
                words.push(' ');
            }
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn assert_says(&self, verdict: &str, name: &str, words: &[&str]) {
        let said = self.says(verdict, name);
        for word in words {
            assert!(said.contains(word), "{word}\n{}", self.stdout);
        }
    }

    fn verdicts(&self) -> Vec<&str> {
        let heads = self.stdout.lines().filter(|line| !line.starts_with(' '));
        heads.filter_map(|line| line.split("  ").next()).filter(|word| !word.is_empty()).collect()
    }
}

fn good() -> (Runtime, TestDatabase) {
    let runtime = runtime();
    let database = runtime.block_on(database());
    (runtime, database)
}

#[test]
fn a_good_set_up_has_no_problem() {
    let (_runtime, database) = good();
    let pair = Pair::new();
    let server = KeyServer::with_keys(&[pair.public()], 0);
    let variables = [("DATABASE_URL", database.url()), ("AUTH_JWKS_URL", &server.url())];
    let outcome = doctor(&variables, Some(&pair.token(&server.origin(), &json!({}))));
    outcome.assert_says("ok", "settings", &["they can be used", &server.origin()]);
    outcome.assert_says("ok", "database", &["PostgreSQL 1", "without TLS, on this machine"]);
    outcome.assert_says("ok", "migrations", &[" are applied"]);
    outcome.assert_says("ok", "users table", &["`id` of type text", "deleting a user deletes"]);
    outcome.assert_says("ok", "rights", &["may read and write"]);
    outcome.assert_says("ok", "key set", &["1 key can be used (EdDSA)"]);
    outcome.assert_says("ok", "clock", &["as the database's", "as the key source's"]);
    outcome.assert_says("ok", "token", &["valid", "user_id \"alice\"", &server.origin(), "algorithm EdDSA"]);
    outcome.assert_says("ok", "user", &["a row with the id \"alice\""]);
    assert!(outcome.stdout.ends_with("\nNo problem was found.\n"), "{}", outcome.stdout);
}

#[test]
fn the_secret_alone_will_do_and_a_token_may_come_as_it_is_sent() {
    let (_runtime, database) = good();
    let variables = [("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let outcome = doctor(&variables, Some(&format!("Bearer {}\n", token("bob"))));
    outcome.assert_says("ok", "token", &["`Bearer` in front", "valid", "issuer none", "HS256"]);
    let without = doctor(&variables, None);
    assert!(without.says("ok", "token").is_empty() && without.code == Some(0), "{}", without.stdout);
}

#[test]
fn the_doctor_names_all_settings_that_cannot_be_used_and_looks_at_nothing_else() {
    let outcome = doctor(
        &[("DATABASE_URL", "mysql://root:hunter2@db/x"), ("PORT", "http"), ("BETTER_AUTH_SECRET", "hunter2")],
        Some("x"),
    );
    let words = [
        "DATABASE_URL cannot be used: must begin",
        "PORT must be",
        "at least 32 bytes",
        "for example: PORT=8080",
    ];
    outcome.assert_says("problem", "settings", &words);
    assert_eq!(outcome.verdicts(), ["problem", "1 problem."]);
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn a_token_on_the_command_line_is_refused_and_not_repeated() {
    let token = token("alice");
    let outcome = run(&["doctor", "--token", &token], &[]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert!(outcome.stderr.contains("shell's history"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains(&token), "{}", outcome.stderr);
}

#[test]
fn a_database_that_is_down_is_explained_and_the_token_is_judged_all_the_same() {
    let outcome = doctor(&[("DATABASE_URL", NOWHERE), ("BETTER_AUTH_SECRET", SECRET)], Some(&token("alice")));
    outcome.assert_says("problem", "database", &["127.0.0.1:1/nowhere", "refused", "Start PostgreSQL"]);
    outcome.assert_says("ok", "token", &["valid"]);
}

#[test]
fn a_database_that_does_not_answer_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://me:hunter2@{}/app", silent.local_addr().unwrap());
    let variables =
        [("DATABASE_URL", &*url), ("BETTER_AUTH_SECRET", SECRET), ("DATABASE_POOL_WAIT_MS", "300")];
    doctor(&variables, None).assert_says("problem", "database", &["no answer within 300ms", "firewall"]);
}

#[test]
fn a_database_without_users_or_migrations_is_explained_step_by_step() {
    let runtime = runtime();
    let database = runtime.block_on(TestDatabase::empty());
    let variables = [("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET)];
    runtime.block_on(database.execute("CREATE TABLE \"user\" (id text PRIMARY KEY)"));
    let outcome = doctor(&variables, None);
    outcome.assert_says("problem", "migrations", &["not applied: 2026", "First see to the table `users`"]);
    let words = ["public.\"user\"", "default name", "modelName: \"users\"", "npx auth@latest migrate"];
    outcome.assert_says("problem", "users table", &words);

    runtime.block_on(create_users_table(database.database())).unwrap();
    let outcome = doctor(&variables, None);
    outcome.assert_says("problem", "migrations", &["Run `task-api migrate run`"]);
    outcome.assert_says("ok", "users table", &["`users` is there"]);

    assert_eq!(run(&["migrate", "run"], &variables).code, Some(0));
    assert_eq!(doctor(&variables, None).code, Some(0));
}

#[test]
fn tables_that_were_made_by_hand_are_explained() {
    let (runtime, database) = good();
    let variables = [("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let foreign_key =
        "ALTER TABLE public.tasks DROP CONSTRAINT tasks_user_id_fkey, ADD CONSTRAINT tasks_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES users (id)";
    runtime.block_on(database.execute(foreign_key));
    let outcome = doctor(&variables, None);
    outcome.assert_says(
        "problem",
        "users table",
        &["`tasks` refers", "without ON DELETE CASCADE", "ALTER TABLE public.tasks"],
    );
    // What it advises works, word for word.
    let said = outcome.says("problem", "users table");
    let advice = said.split('`').find(|piece| piece.starts_with("ALTER TABLE")).unwrap();
    runtime.block_on(database.execute(advice));
    assert_eq!(doctor(&variables, None).code, Some(0));
}

#[test]
fn a_key_set_that_does_not_come_is_explained() {
    let closed = ClosedPort::new();
    let html = KeyServer::new("200 OK", "Content-Type: text/html\r\n", "<!doctype html><title>Shop</title>");
    let missing = KeyServer::new("404 Not Found", "", "");
    let elsewhere = KeyServer::new("308 Permanent Redirect", "Location: https://www.example.com/\r\n", "");
    let empty = KeyServer::with_keys(&[], 0);
    let weak = KeyServer::with_keys(&[json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "1"})], 0);
    let plain = missing.url().replace("http://", "https://");
    for (url, words) in [
        (
            format!("http://{}/api/auth/jwks", closed.address()),
            &["does not answer", "Nothing listens at http://127.0.0.1"][..],
        ),
        (html.url(), &["an HTML page", "/api/auth/jwks"]),
        (missing.url(), &["404", "`jwt()` plugin", "Correct AUTH_JWKS_URL"]),
        (elsewhere.url(), &["redirects", "final address"]),
        (empty.url(), &["no key that can be used", "first key at the first call"]),
        (weak.url(), &["key 1: an RSA key must have 2048"]),
        (plain, &["does not answer", "No TLS is spoken there"]),
        (html.url().replace("/api/auth/jwks", "/?key=hunter2"), &["an HTML page"]),
    ] {
        let outcome = doctor(&[("DATABASE_URL", NOWHERE), ("AUTH_JWKS_URL", &url)], None);
        outcome.assert_says("problem", "key set", words);
    }
}

#[test]
fn the_doctor_names_a_key_that_is_not_used_beside_those_that_are() {
    let server = KeyServer::with_keys(
        &[json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}), Pair::new().public()],
        0,
    );
    let outcome = doctor(&[("DATABASE_URL", NOWHERE), ("AUTH_JWKS_URL", &server.url())], None);
    outcome.assert_says("ok", "key set", &["1 key can be used (EdDSA)"]);
    outcome.assert_says("warning", "key set", &["key 1 of the set is not used"]);
}

#[test]
fn the_doctor_names_clocks_that_differ_by_more_than_the_leeway() {
    let pair = Pair::new();
    for (ahead, leeway, words) in [
        (-40, "0", &["s ahead of the key source's", "expire too early", "AUTH_LEEWAY_SECONDS=4"][..]),
        (40, "10", &["s behind the key source's", "NTP"]),
    ] {
        let server = KeyServer::with_keys(&[pair.public()], ahead);
        let url = server.url();
        let variables =
            |leeway| [("DATABASE_URL", NOWHERE), ("AUTH_JWKS_URL", &*url), ("AUTH_LEEWAY_SECONDS", leeway)];
        doctor(&variables(leeway), None).assert_says("problem", "clock", words);
        doctor(&variables("60"), None).assert_says("ok", "clock", &["as the key source's"]);
    }
}

#[test]
fn a_token_is_judged_as_the_service_would_and_explained() {
    let (_runtime, database) = good();
    let pair = Pair::new();
    let server = KeyServer::with_keys(&[pair.public()], 0);
    let (url, origin) = (server.url(), server.origin());
    let variables =
        [("DATABASE_URL", database.url()), ("AUTH_JWKS_URL", &url), ("BETTER_AUTH_SECRET", SECRET)];
    let session = format!("{}.c2lnbmF0dXJlIG9mIGEgc2Vzc2lvbg==", "s".repeat(32));
    let link = sign(HEADER, &json!({"email": "a@example.com", "exp": now() + 60.0}).to_string());
    for (token, name, words) in [
        (
            pair.token(&format!("{origin}/"), &json!({"aud": origin})),
            "token issuer",
            &["slash at the end", "AUTH_ISSUER="][..],
        ),
        (pair.token(&origin, &json!({"aud": "web"})), "token audience", &["\"web\"", "AUTH_AUDIENCE=web"]),
        (
            Pair::new().token(&origin, &json!({})),
            "token signature",
            &["key \"key-1\"", "another environment"],
        ),
        (pair.token(&origin, &json!({"exp": 1})), "token expiry", &["1970-01-01T00:00:01"]),
        (session, "token", &["session token", "/api/auth/token"]),
        (link, "token", &["link in an e-mail"]),
        (
            pair.token(&origin, &json!({"sub": "carol"})),
            "user",
            &["no row with the id \"carol\"", "403 unknown_user"],
        ),
        (String::new(), "token", &["none on standard input"]),
        ("\u{1b}[2J".repeat(9), "token", &["not a JWT"]),
    ] {
        let outcome = doctor(&variables, Some(&token));
        outcome.assert_says("problem", name, words);
        assert!(!outcome.stdout.contains('\u{1b}'));
    }
}

#[test]
fn the_doctor_writes_nothing_and_names_a_read_only_database() {
    let (runtime, database) = good();
    let variables = [("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let token = token("alice");
    // Every row and every object of the database has the number of the transaction that wrote it.
    let written = "SELECT string_agg(xmin::text, ',' ORDER BY oid) AS line FROM pg_class
        UNION ALL SELECT string_agg(xmin::text, ',' ORDER BY id) FROM users
        UNION ALL SELECT count(*)::text FROM tasks UNION ALL SELECT count(*)::text FROM idempotency_keys";
    let before = runtime.block_on(database.lines(written));
    let outcome = doctor(&variables, Some(&token));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    assert_eq!(runtime.block_on(database.lines(written)), before);

    let name = database.name();
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    runtime.block_on(database.execute(&read_only));
    let outcome = doctor(&variables, Some(&token));
    outcome.assert_says("problem", "database", &["read-only", "503"]);
    outcome.assert_says("ok", "user", &["\"alice\""]);
    assert!(outcome.stdout.ends_with("\n1 problem.\n"), "everything else can be read: {}", outcome.stdout);
}
