//! No part of a secret is in what the program writes, whatever is wrong with what holds it, whichever command reads it, and
//! whatever `LOG_LEVEL` is.

use std::ffi::OsString;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rustix::process::Signal;
use task_adapters::Database;
use task_api::cli::Cli;
use task_support::command_line;

use crate::helpers::{
    Dice, SECRET,
    folder::Folder,
    program::{Program, run_in, run_with_input},
};

/// What random secrets are made of. None of the letters stands beside another one, or beside these signs, in what the program
/// writes by itself.
const LETTERS: &[char] = &['J', 'Q', 'X'];
const SIGNS: &[char] = &[
    '@', ':', '/', '?', '#', '%', '&', '=', '+', ',', ';', '\'', '"', '[', ']', '\\', '$', ' ', '.', '~',
    '-', '{', '`', '<',
];

fn secret(dice: &mut Dice) -> String {
    let length = 6 + dice.roll(18);
    let mut secret = String::from("Q");
    for _ in 0..length {
        let characters = if dice.roll(3) == 0 { SIGNS } else { LETTERS };
        secret.push(*dice.pick(characters));
    }
    // White space around a value is no part of it.
    secret + "J"
}

/// Fails if four characters of a secret in a row are in the text: as it was written, or as it is understood.
#[track_caller]
fn assert_nothing_of(secret: &str, text: &str, understood: &str, what: &str) {
    let decoded = percent_decode_str(secret).decode_utf8_lossy().into_owned();
    for form in [secret, &decoded] {
        let characters: Vec<char> = form.chars().collect();
        for run in characters.windows(4).filter(|run| run.iter().any(|character| LETTERS.contains(character)))
        {
            let run: String = run.iter().collect();
            let is_place = understood.contains(&run);
            assert!(is_place || !text.contains(&run), "{run:?} of {secret:?} ({what}) is in:\n{text}");
        }
    }
}

/// Where a secret may stand, with it in the place of `^`. Nothing listens at port 1.
const PLACES: [(&str, &str); 34] = [
    ("DATABASE_URL", "postgres://u:^@127.0.0.1:1/d"),
    ("DATABASE_URL", "postgresql://u:^@127.0.0.1:1/d?sslmode=require"),
    ("DATABASE_URL", "postgres://u:^@127.0.0.1:1,127.0.0.1:1/d?target_session_attrs=read-write"),
    ("DATABASE_URL", "postgres://^@127.0.0.1:1/d"),
    ("DATABASE_URL", "postgres://127.0.0.1:1/d?password=^"),
    ("DATABASE_URL", "postgres://127.0.0.1:1/d?user=u&password=^&schema=x"),
    ("DATABASE_URL", "postgres://u@127.0.0.1:1/d?^"),
    ("DATABASE_URL", "postgres://u@127.0.0.1:1/d?options=^"),
    ("DATABASE_URL", "postgres://u@127.0.0.1:1/d?sslmode=^"),
    ("DATABASE_URL", "postgres://u@127.0.0.1:1/d?sslpassword=^"),
    ("DATABASE_URL", "\"postgres://u:^@127.0.0.1:1/d\""),
    ("DATABASE_URL", "postgres://u:^"),
    ("DATABASE_URL", "mysql://u:^@127.0.0.1:1/d"),
    ("DATABASE_URL", "host=127.0.0.1 port=1 password=^"),
    ("DATABASE_URL", "^"),
    ("DATABASE_DIRECT_URL", "postgres://u:^@127.0.0.1:1/d"),
    ("DATABASE_DIRECT_URL", "u:^@127.0.0.1:1/d"),
    ("BETTER_AUTH_SECRET", "^"),
    ("BETTER_AUTH_SECRET", "\"^\""),
    ("AUTH_JWKS_URL", "http://u:^@127.0.0.1:1/jwks"),
    ("AUTH_JWKS_URL", "http://127.0.0.1:1/jwks?key=^"),
    ("AUTH_JWKS_URL", "^"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:^@127.0.0.1:1"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1/?key=^"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "key=^"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "^"),
    ("HTTP_PROXY", "http://u:^@127.0.0.1:1"),
    ("http_proxy", "http://u:^@127.0.0.1:1"),
    ("ALL_PROXY", "u:^@127.0.0.1:1"),
    ("HOST", "postgres://u:^@127.0.0.1:1/d"),
    ("PORT", "postgres://u:^@127.0.0.1:1/d"),
    ("METRICS_ADDR", "http://u:^@127.0.0.1:1"),
    ("CORS_ORIGINS", "https://u:^@a.example"),
    ("LOG_LEVEL", "https://u:^@a.example"),
];

/// The commands. The last one ends at once, because this machine has no such address.
const COMMANDS: [&[&str]; 5] =
    [&["migrate", "status"], &["migrate", "run"], &["doctor"], &["health"], &["serve"]];

#[test]
fn no_part_of_a_random_secret_is_shown_by_any_command() {
    let mut dice = Dice(17);
    for round in 0..3 {
        for (index, (name, shape)) in PLACES.into_iter().enumerate() {
            let secret = secret(&mut dice);
            let value = shape.replace('^', &secret);
            let arguments = COMMANDS[(index + round) % COMMANDS.len()];
            let mut variables = vec![
                ("DATABASE_URL", "postgres://u@127.0.0.1:1/d"),
                ("AUTH_JWKS_URL", "http://127.0.0.1:1/jwks"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
                ("LOG_LEVEL", "trace"),
                ("LOG_FORMAT", *dice.pick(&["json", "pretty"])),
                ("HOST", "192.0.2.1"),
                ("PORT", "1"),
            ];
            variables.retain(|(other, _)| *other != name);
            // The HTTP client reads the proxies from the environment only.
            let folder = if dice.roll(3) == 0 && !name.ends_with("PROXY") && !name.ends_with("proxy") {
                Folder::with_env(format!("{name}={value}\n"))
            } else {
                variables.push((name, &value));
                Folder::new()
            };
            let outcome = run_in(folder.path(), arguments, &variables);
            let text = format!("{}\n{}", outcome.stdout, outcome.stderr);
            let what = format!("{arguments:?}, {name}={value}");
            assert!(outcome.code == Some(0) || !text.trim().is_empty(), "{what}: no word");
            assert!(!text.contains("panicked"), "{what}: {text}");
            // What reads like a host, a port or a name of a database was understood as one.
            let understood = Database::parse(&value).map(|database| database.address()).unwrap_or_default();
            assert_nothing_of(&secret, &text, &understood, &what);
        }
    }
}

/// A token, or what people take for one, with the secret in the place of `^`.
const TOKENS: [&str; 9] = [
    "^",
    "Bearer ^",
    "Authorization: Bearer ^",
    "{\"token\":\"^\"}",
    "eyJhbGciOiJIUzI1NiJ9.^.^",
    "^.eyJzdWIiOiJhIn0.^",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.^",
    "0123456789abcdef0123456789abcdef.^",
    "postgres://u:^@127.0.0.1:1/d",
];

#[test]
fn no_part_of_what_is_given_to_the_doctor_as_a_token_is_shown() {
    let mut dice = Dice(18);
    let variables = [("DATABASE_URL", "postgres://u@127.0.0.1:1/d"), ("BETTER_AUTH_SECRET", SECRET)];
    for shape in TOKENS {
        let secret = secret(&mut dice);
        let outcome = run_with_input(&["doctor", "--token", "-"], &variables, &shape.replace('^', &secret));
        let text = format!("{}\n{}", outcome.stdout, outcome.stderr);
        assert!(text.contains("token"), "{shape}: {text}");
        assert_nothing_of(&secret, &text, "", shape);
    }
}

/// What may be typed by mistake.
const LINES: [&str; 12] = [
    "^",
    "postgres://u:^@h/d",
    "--database-url=postgres://u:^@h/d",
    "migrate postgres://u:^@h/d",
    "migrate run postgres://u:^@h/d",
    "migrate revert --steps ^",
    "migrate revert --steps=^",
    "doctor ^",
    "doctor --token ^",
    "doctor --token=^",
    "doctor --token=^ --bad",
    "health --url=http://u:^@h",
];

#[test]
fn no_part_of_a_secret_on_the_command_line_is_repeated() {
    let mut dice = Dice(19);
    for _ in 0..200 {
        for line in LINES {
            let secret = secret(&mut dice).replace(' ', "+");
            let arguments = format!("task-api {line}").replace('^', &secret);
            let parsed = command_line::parse_from::<Cli>(arguments.split(' ').map(OsString::from));
            let error = parsed.expect_err(&arguments);
            assert_nothing_of(&secret, &format!("{error}\n{}", error.render().ansi()), "", line);
        }
    }
    // And the program reads its own in this way.
    let outcome = run_with_input(&["migrate", "postgres://u:hunter2@h/d"], &[], "");
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("unrecognized subcommand '...'"), "{}", outcome.stderr);
}

/// A server that takes passwords, over TLS only, with an authority of its own.
#[test]
fn the_log_of_a_service_whose_password_or_certificate_is_refused_has_no_part_of_it() {
    let server = std::env::var("TEST_TLS_DATABASE_URL").expect(
        "this test needs a PostgreSQL that speaks TLS: run `cargo xtask test`, which starts one and sets \
         TEST_TLS_DATABASE_URL",
    );
    let (base, authority) = server.split_once('?').unwrap();
    let (_, place) = base.rsplit_once('@').unwrap();
    let mut dice = Dice(20);
    for (index, (parameters, words)) in [
        (authority, "password authentication failed"),
        ("sslmode=require", "certificate is refused"),
        ("sslmode=disable", "no encryption"),
    ]
    .into_iter()
    .enumerate()
    {
        let secret = secret(&mut dice);
        let encoded: String = utf8_percent_encode(&secret, NON_ALPHANUMERIC).collect();
        let url = format!("postgres://someone:{encoded}@{place}?{parameters}");
        let program = Program::start(&[
            ("DATABASE_URL", &url),
            ("BETTER_AUTH_SECRET", SECRET),
            ("LOG_LEVEL", "trace,tokio_postgres::connect=trace,rustls=trace"),
            ("LOG_FORMAT", ["json", "pretty"][index % 2]),
        ]);
        program.wait_for(words, |line| line.contains(words).then_some(()));
        program.signal(Signal::TERM);
        let (_, lines) = program.wait();
        let text = lines.join("\n");
        assert_nothing_of(&secret, &text, "", parameters);
        assert_nothing_of(&encoded, &text, "", parameters);
        // A library that logs the bytes of a text writes them as numbers.
        let bytes = format!("{:?}", &secret.as_bytes()[..4]);
        assert!(!text.contains(bytes.trim_matches(['[', ']'])), "{text}");
    }
}

#[test]
fn the_log_of_a_service_behind_a_proxy_has_no_part_of_its_password() {
    // What stands before `#` reads like the whole address of the proxy, and the password like its port.
    for secret in ["QXJQXJ", "QXJQXJ#JQXJ", "QXJ!QXJ/JQXJ", "QXJQXJ?JQXJ", "QXJQXJ@JQXJ", "QXJQ[XJ:JQXJ"] {
        let proxy = format!("http://u:{secret}@127.0.0.1:1");
        let program = Program::start(&[
            ("DATABASE_URL", "postgres://u@127.0.0.1:1/d"),
            ("AUTH_JWKS_URL", "http://keys.invalid/jwks"),
            ("HTTP_PROXY", &proxy),
            ("http_proxy", &proxy),
            ("LOG_LEVEL", "trace,reqwest::connect=trace"),
        ]);
        let failed = "the key set cannot be fetched";
        program.wait_for(failed, |line| line.contains(failed).then_some(()));
        program.signal(Signal::TERM);
        let (_, lines) = program.wait();
        assert_nothing_of(secret, &lines.join("\n"), "", &proxy);
    }
}
