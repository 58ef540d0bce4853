//! docs/api.md, "Rate limits": how often a user may ask, and how often an address may fail to say who it is.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

use crate::helpers::{Answer, Request, Stack, client::request, get, post};

const PER_USER: (&str, &str) = ("RATE_LIMIT_PER_MINUTE", "3");
const FAILURES: (&str, &str) = ("RATE_LIMIT_FAILED_AUTH_PER_MINUTE", "3");

/// How soon the limits of these tests let one request more pass.
const WINDOW: Duration = Duration::from_secs(20);

/// Tries that on a service of its own, again if the machine takes so long that the limits let more pass.
fn within_a_window(variables: &[(&str, &str)], scenario: impl Fn(&Stack)) {
    loop {
        let stack = Stack::with(variables);
        let since = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| scenario(&stack))) {
            Err(_) if since.elapsed() >= WINDOW => {}
            Err(failure) => resume_unwind(failure),
            Ok(()) => return,
        }
    }
}

fn list(user: &str) -> Request {
    get(format!("/api/{user}/tasks")).by(user)
}

fn standing(answer: &Answer) -> Option<(&str, &str)> {
    answer.header("ratelimit").zip(answer.header("ratelimit-policy"))
}

#[track_caller]
fn assert_refused(answer: &Answer) {
    answer.assert_error(429, "rate_limited");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
}

#[test]
fn a_user_who_asks_too_often_is_refused_with_the_time_to_wait_and_others_are_not() {
    within_a_window(&[PER_USER], |stack| {
        for left in (0..3).rev() {
            let answer = stack.send(&list("alice"));
            let (standing, policy) = standing(answer.assert_status(200)).unwrap();
            assert!(standing.starts_with(&format!("\"user\";r={left};t=")), "{standing}");
            assert_eq!(policy, "\"user\";q=3;w=60");
        }
        let refused = stack.send(&list("alice"));
        assert_refused(&refused);
        assert!(standing(&refused).unwrap().0.starts_with("\"user\";r=0;t="), "{refused:?}");
        let bob = stack.send(&list("bob"));
        assert!(standing(bob.assert_status(200)).unwrap().0.starts_with("\"user\";r=2;"));
    });
}

#[test]
fn a_refused_request_changes_nothing_and_every_guarded_route_counts() {
    within_a_window(&[PER_USER], |stack| {
        let create = post("/api/alice/tasks").by("alice").json(r#"{"title":"one of three"}"#);
        stack.send(&create).assert_status(201);
        // The wall and unknown routes are judged after the limit: neither is a way to ask for free.
        stack.send(&get("/api/bob/tasks").by("alice")).assert_error(403, "forbidden");
        stack.send(&get("/nowhere").by("alice")).assert_error(404, "not_found");
        for request in [create, get("/api/bob/tasks").by("alice"), get("/api/whoami").by("alice")] {
            assert_refused(&stack.send(&request));
        }
        assert_eq!(stack.lines("SELECT title AS line FROM tasks"), ["one of three"]);
        for public in ["/health", "/health/ready", "/openapi.json"] {
            assert!(standing(stack.send(&get(public)).assert_status(200)).is_none());
        }
    });
}

#[test]
fn an_address_without_valid_tokens_is_refused_and_a_user_with_a_token_is_not() {
    within_a_window(&[FAILURES], |stack| {
        let anonymous = || get("/api/alice/tasks");
        for request in
            [anonymous(), anonymous().bearing("a.b.c"), anonymous().header("Authorization", "Basic x")]
        {
            assert!(standing(stack.send(&request).assert_status(401)).is_none());
        }
        let refused = stack.send(&anonymous().bearing("a.b.c"));
        assert_refused(&refused);
        assert_eq!(standing(&refused).unwrap().1, "\"failed-authentication\";q=3;w=60");
        for _ in 0..5 {
            assert!(standing(stack.send(&list("alice")).assert_status(200)).is_none());
        }
    });
}

#[test]
fn a_client_behind_a_trusted_proxy_counts_by_itself_and_no_other_can_pretend_to_be_one() {
    let from = |address: &str| get("/api/whoami").header("X-Forwarded-For", address);
    within_a_window(&[FAILURES, ("TRUSTED_PROXIES", "127.0.0.0/8")], |trusting| {
        for _ in 0..3 {
            trusting.send(&from("198.51.100.1")).assert_status(401);
        }
        // What a client writes itself stands on the left.
        assert_refused(&trusting.send(&from("203.0.113.77, 198.51.100.1")));
        trusting.send(&from("198.51.100.2")).assert_status(401);
    });
    within_a_window(&[FAILURES], |wary| {
        for last in 1..=3 {
            wary.send(&from(&format!("198.51.100.{last}"))).assert_status(401);
        }
        assert_refused(&wary.send(&from("198.51.100.4")));
    });
}

#[test]
fn pages_of_listed_origins_can_read_the_fields() {
    within_a_window(&[("RATE_LIMIT_PER_MINUTE", "1")], |stack| {
        let asks = || stack.send(&list("alice").header("Origin", "https://app.example.com"));
        asks().assert_status(200);
        let refused = asks();
        refused.assert_error(429, "rate_limited");
        let exposed = refused.header("access-control-expose-headers").unwrap().to_lowercase();
        for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
            assert!(exposed.split(", ").any(|field| field == name), "{exposed}");
        }
        let preflight = request("OPTIONS", "/api/alice/tasks")
            .header("Origin", "https://app.example.com")
            .header("Access-Control-Request-Method", "GET");
        stack.send(&preflight).assert_status(204);
    });
}

#[test]
fn without_limits_no_request_is_counted() {
    let stack = Stack::new();
    for _ in 0..50 {
        assert!(standing(stack.send(&list("alice")).assert_status(200)).is_none());
        assert!(standing(stack.send(&get("/api/whoami")).assert_status(401)).is_none());
    }
}
