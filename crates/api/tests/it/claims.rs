//! docs/api.md, "Who may do what": what the claims of a token must say.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use task_auth::ClaimRules;
use task_domain::testing::MockTaskRepository;

use crate::helpers::{
    SECRET, Server, claims, get,
    servers::{Options, start, working_port},
    sign,
    tokens::{HEADER, assert_refused, encode, mac, now},
    until,
};

const PATH: &str = "/api/alice/tasks/7";

fn status(server: &Server, path: &str, changes: &Value) -> u16 {
    let answer = server.send(&get(path).bearing(&sign(HEADER, &claims(changes))));
    if answer.status == 401 {
        assert_refused(&answer, &[]);
    }
    answer.status
}

fn strict(rules: ClaimRules) -> Server {
    Server::with(working_port(), Options { rules, ..Options::default() })
}

#[test]
fn a_subject_is_1_to_255_scalar_values_without_control_characters_and_not_blank_or_dots() {
    let server = Server::with(MockTaskRepository::new(), Options::default());
    let too_long = ["x", "é", "🦀"].map(|unit| json!(unit.repeat(256)));
    let mut subjects = vec![
        json!(null),
        json!(""),
        json!(" "),
        json!("\u{a0}"),
        json!(" \u{3000}\u{2003} "),
        json!("\u{2028}"),
        json!("."),
        json!(".."),
        json!("\0"),
        json!("alice\0"),
        json!("alice\n"),
        json!("\talice"),
        json!("a\u{1b}[31m"),
        json!("a\u{7f}"),
        json!("a\u{80}"),
        json!("a\u{85}"),
        json!("\u{9f}"),
        json!(7),
        json!(1.5),
        json!(true),
        json!(["alice"]),
        json!({"id": "alice"}),
    ];
    subjects.extend(too_long);
    for subject in subjects {
        for path in
            [PATH, "/api/./tasks", "/api/../tasks", "/api/7/tasks", "/api/null/tasks", "/api/%20/tasks"]
        {
            assert_eq!(status(&server, path, &json!({ "sub": subject })), 401, "{subject} {path}");
        }
    }
    // A null that is there, which `claims` would take away.
    let token = sign(HEADER, r#"{"sub":null,"exp":4102444800}"#);
    assert_eq!(server.send(&get(PATH).bearing(&token)).status, 401);
}

#[test]
fn every_other_subject_is_a_user() {
    let server = Server::working();
    for (subject, segment) in [
        ("a", "a".to_owned()),
        ("0", "0".to_owned()),
        ("...", "...".to_owned()),
        ("null", "null".to_owned()),
        (".a", ".a".to_owned()),
        (" a ", "%20a%20".to_owned()),
        ("a/b/..", "a%2Fb%2F..".to_owned()),
        ("%", "%25".to_owned()),
        ("a?b#c", "a%3Fb%23c".to_owned()),
        ("\u{200b}", "%E2%80%8B".to_owned()),
        ("\u{202e}x", "%E2%80%AEx".to_owned()),
        (&"🦀".repeat(255), "%F0%9F%A6%80".repeat(255)),
        (&"x".repeat(255), "x".repeat(255)),
    ] {
        assert_eq!(
            status(&server, &format!("/api/{segment}/tasks"), &json!({ "sub": subject })),
            200,
            "{subject}"
        );
    }
}

#[test]
fn a_token_needs_an_expiry_that_is_a_number_and_lies_ahead() {
    let server = Server::working();
    for exp in [
        json!(now() + 600.0),
        json!(now().floor() + 600.0),
        json!(4_102_444_800_u64),
        json!(1e308),
        json!(1e18),
    ] {
        assert_eq!(status(&server, PATH, &json!({ "exp": exp })), 200, "{exp}");
    }
    for exp in [
        json!(null),
        json!("4102444800"),
        json!(""),
        json!(true),
        json!([4_102_444_800_u64]),
        json!({}),
        json!(0),
        json!(-1),
        json!(1),
        json!(-1e308),
        json!(now() - 0.001),
        json!(now() - 1.0),
        // Milliseconds are not seconds, but they lie ahead; seconds of long ago do not.
        json!(1_000_000_000),
    ] {
        assert_eq!(status(&server, PATH, &json!({ "exp": exp })), 401, "{exp}");
    }
    // A null that is there, and a number beyond a double.
    for exp in ["null", "1e999", "NaN", "Infinity"] {
        let token = sign(HEADER, &format!(r#"{{"sub":"alice","exp":{exp}}}"#));
        assert_eq!(server.send(&get(PATH).bearing(&token)).status, 401, "{exp}");
    }
}

#[test]
fn a_token_expires_at_the_very_moment_fractions_included() {
    let server = Server::working();
    // Until the machine is fast enough for an answer before the token expires.
    let mut lead = 0.4;
    let (exp, asked) = loop {
        let exp = now() + lead;
        let asked = get(PATH).bearing(&sign(HEADER, &claims(&json!({ "exp": exp }))));
        let status = server.send(&asked).status;
        if now() < exp {
            assert_eq!(status, 200, "not yet expired");
            break (exp, asked);
        }
        lead *= 2.0;
    };
    until("it is expired", || now() >= exp);
    assert_eq!(server.send(&asked).status, 401, "expired");
    // `now` is past the whole second in which it lies.
    assert_eq!(status(&server, PATH, &json!({ "exp": now().floor() })), 401);
}

#[test]
fn a_token_is_not_valid_before_its_time() {
    let server = Server::working();
    for nbf in [json!(null), json!(0), json!(-5), json!(now() - 0.5), json!(now().floor()), json!(1.5)] {
        assert_eq!(status(&server, PATH, &json!({ "nbf": nbf })), 200, "{nbf}");
    }
    for nbf in [
        json!(now() + 600.0),
        json!(now() + 600.5),
        json!(4_102_444_800_u64),
        json!("0"),
        json!(false),
        json!([]),
    ] {
        assert_eq!(status(&server, PATH, &json!({ "nbf": nbf })), 401, "{nbf}");
    }
    let token = sign(HEADER, r#"{"sub":"alice","exp":4102444800,"nbf":null}"#);
    assert_eq!(server.send(&get(PATH).bearing(&token)).status, 401, "null is no number");
}

#[test]
fn the_clocks_may_differ_by_the_configured_leeway_and_no_more() {
    let without = Server::working();
    let with_60 = strict(ClaimRules { leeway_seconds: 60, ..ClaimRules::default() });
    for (changes, by_default, with_leeway) in [
        (json!({"exp": now() - 1.0}), 401, 200),
        (json!({"exp": now() - 20.0}), 401, 200),
        (json!({"exp": now() - 61.0}), 401, 401),
        (json!({"nbf": now() + 50.0}), 401, 200),
        (json!({"nbf": now() + 600.0}), 401, 401),
        (json!({"exp": now() + 600.0, "nbf": now() - 30.0}), 200, 200),
    ] {
        assert_eq!(status(&without, PATH, &changes), by_default, "{changes}");
        assert_eq!(status(&with_60, PATH, &changes), with_leeway, "{changes}");
    }
}

/// A server of the settings, over a database that is not there: what passes the guard is a 400 for a bad id.
fn configured(variables: &[(&str, &str)]) -> impl Fn(&str) -> u16 + use<> {
    let (address, stop) = start("postgres://127.0.0.1:1/nowhere", variables);
    move |token| {
        assert!(!stop.is_closed());
        get("/api/alice/tasks/x").bearing(token).send(address).status
    }
}

#[test]
fn leeway_issuer_and_audience_are_configured_by_variables() {
    let status = configured(&[
        ("AUTH_LEEWAY_SECONDS", "60"),
        ("AUTH_ISSUER", "https://app.example.com"),
        ("AUTH_AUDIENCE", "tasks"),
    ]);
    let good = json!({"iss": "https://app.example.com", "aud": "tasks", "exp": now() - 30.0});
    assert_eq!(status(&sign(HEADER, &claims(&good))), 400);
    for (name, value) in [("iss", json!("other")), ("aud", json!("other")), ("exp", json!(now() - 61.0))] {
        let mut bad = good.clone();
        bad[name] = value;
        assert_eq!(status(&sign(HEADER, &claims(&bad))), 401, "{name}");
    }
    // None of them is the default.
    let status = configured(&[]);
    assert_eq!(status(&sign(HEADER, &claims(&json!({"iss": 1, "aud": 2})))), 400);
    assert_eq!(status(&sign(HEADER, &claims(&json!({"exp": now() - 0.5})))), 401);
}

#[test]
fn the_secret_is_taken_as_the_raw_bytes_that_the_variable_has() {
    for secret in [
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "30313233343536373839616263646566303132333435363738396162",
        "ümläute und 🦀 in einem Geheimnis",
        "$HOME/\"quotes\" and 'others' # and a comment",
        "  spaces at both ends belong to the secret  ",
    ] {
        let status = configured(&[("BETTER_AUTH_SECRET", secret)]);
        let signed = format!("{}.{}", encode(HEADER), encode(claims(&json!({}))));
        let of = |secret: &str| format!("{signed}.{}", mac(&signed, secret, Algorithm::HS256));
        assert_eq!(status(&of(secret)), 400, "{secret:?}");
        assert_eq!(status(&of(SECRET)), 401);
    }
}

#[test]
fn the_issuer_counts_once_it_is_configured() {
    let issuer = "https://app.example.com";
    let server = strict(ClaimRules { issuer: Some(issuer.to_owned()), ..ClaimRules::default() });
    assert_eq!(status(&server, PATH, &json!({ "iss": issuer })), 200);
    for iss in [
        json!(null),
        json!(""),
        json!("https://app.example.com/"),
        json!("https://APP.example.com"),
        json!("http://app.example.com"),
        json!([issuer]),
        json!({ "iss": issuer }),
        json!(1),
    ] {
        assert_eq!(status(&server, PATH, &json!({ "iss": iss })), 401, "{iss}");
    }
}

#[test]
fn the_audience_counts_once_it_is_configured_alone_or_among_others() {
    let audience = "tasks";
    let server = strict(ClaimRules { audience: Some(audience.to_owned()), ..ClaimRules::default() });
    for aud in [json!("tasks"), json!(["tasks"]), json!(["other", "tasks"]), json!([1, null, "tasks"])] {
        assert_eq!(status(&server, PATH, &json!({ "aud": aud })), 200, "{aud}");
    }
    for aud in [
        json!(null),
        json!(""),
        json!("Tasks"),
        json!("tasks,other"),
        json!([]),
        json!(["other"]),
        json!([["tasks"]]),
        json!({"tasks": 1}),
        json!(1),
    ] {
        assert_eq!(status(&server, PATH, &json!({ "aud": aud })), 401, "{aud}");
    }
    let both = strict(ClaimRules {
        issuer: Some("i".to_owned()),
        audience: Some("a".to_owned()),
        ..ClaimRules::default()
    });
    assert_eq!(status(&both, PATH, &json!({"iss": "i", "aud": "a"})), 200);
    assert_eq!(status(&both, PATH, &json!({"iss": "i"})), 401);
    assert_eq!(status(&both, PATH, &json!({"aud": "a"})), 401);
}
