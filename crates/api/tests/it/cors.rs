//! docs/api.md, "CORS".

use task_domain::{RepositoryError, TaskCommand, testing::MockTaskRepository};

use crate::helpers::{Answer, LISTED, Request, Server, delete, get, options, patch, post, put, request};

fn cors_headers(answer: &Answer) -> Vec<(&str, &str)> {
    let mut headers = answer.lasting_headers();
    headers.retain(|(name, _)| name.starts_with("access-control-"));
    headers
}

/// The entries of a header that is a list, in order.
fn entries<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let mut entries: Vec<_> = answer.header(name).unwrap_or_default().split(',').map(str::trim).collect();
    entries.sort_unstable();
    entries
}

fn preflight(path: &str, origin: &str) -> Request {
    options(path).header("Origin", origin).header("Access-Control-Request-Method", "PUT")
}

#[track_caller]
fn assert_allowed(answer: &Answer, origin: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("vary"), Some("Origin"));
}

/// Answers of every kind: their requests and their statuses.
fn one_of_each() -> Vec<(Request, u16)> {
    vec![
        (get("/health"), 200),
        (get("/docs"), 200),
        (get("/redoc"), 200),
        (get("/openapi.json"), 200),
        (get("/api/alice/tasks").by("alice"), 200),
        (request("HEAD", "/api/alice/tasks").by("alice"), 200),
        (post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#), 201),
        (put("/api/alice/tasks/7").by("alice").json(r#"{"title":"t"}"#), 200),
        (patch("/api/alice/tasks/7/complete").by("alice"), 200),
        (delete("/api/alice/tasks/7").by("alice"), 200),
        (put("/api/alice/tasks/7").by("alice").json("{}"), 400),
        (post("/api/alice/tasks").by("alice").json("{"), 400),
        (post("/api/alice/tasks").by("alice").json(r#"{"title":1}"#), 400),
        (get("/api/alice/tasks?x").by("alice"), 400),
        (get("/api/alice/tasks/x").by("alice"), 400),
        (get("/api/alice/tasks"), 401),
        (get("/api/alice/tasks").bearing("x.y.z"), 401),
        (get("/nowhere"), 401),
        (get("/api/alice/tasks").by("bob"), 403),
        (get("/api/alice/tasks/8").by("alice"), 404),
        (get("/nowhere").by("alice"), 404),
        (get("/docs/nothing"), 404),
        (patch("/api/alice/tasks").by("alice"), 405),
        (post("/health"), 405),
        (options("/api/alice/tasks").by("alice"), 405),
        (post("/api/alice/tasks").by("alice").json(&" ".repeat(131_073)), 413),
        (post("/api/alice/tasks").by("alice").body("{}"), 415),
    ]
}

#[test]
fn a_preflight_from_a_listed_origin_succeeds_for_any_path_with_or_without_a_token() {
    let server = Server::without_port();
    for origin in LISTED {
        for path in [
            "/api/alice/tasks",
            "/api/bob/tasks/7/complete",
            "/api/%ff/tasks/x",
            "/health",
            "/docs",
            "/nowhere",
            "/",
            "*",
        ] {
            let asked = preflight(path, origin);
            for asked in [asked.clone(), asked.clone().by("alice"), asked.bearing("garbage")] {
                let answer = server.send(&asked);
                answer.assert_status(204);
                assert_allowed(&answer, origin);
                let methods = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"];
                assert_eq!(entries(&answer, "access-control-allow-methods"), methods);
                let headers = [
                    "Authorization",
                    "Content-Type",
                    "Idempotency-Key",
                    "If-Match",
                    "If-None-Match",
                    "X-Request-Id",
                    "baggage",
                    "sentry-trace",
                    "traceparent",
                    "tracestate",
                ];
                assert_eq!(entries(&answer, "access-control-allow-headers"), headers);
                assert_eq!(answer.header("access-control-max-age"), Some("600"));
            }
        }
    }
}

#[test]
fn a_preflight_says_what_is_allowed_whatever_it_asks_for() {
    let server = Server::without_port();
    let plain = cors_headers(&server.send(&preflight("/api/alice/tasks", LISTED[0]))).len();
    for (method, headers) in [
        ("GET", "authorization"),
        ("DELETE", "authorization,content-type"),
        ("BREW", "x-secret"),
        ("", ""),
        ("put", "*"),
    ] {
        let asked = options("/api/alice/tasks")
            .header("Origin", LISTED[0])
            .header("Access-Control-Request-Method", method)
            .header("Access-Control-Request-Headers", headers);
        let answer = server.send(&asked);
        answer.assert_status(204);
        assert_eq!(cors_headers(&answer).len(), plain, "{method} {headers}");
        assert_eq!(entries(&answer, "access-control-allow-methods").len(), 6);
        assert_eq!(entries(&answer, "access-control-allow-headers").len(), 10);
    }
}

#[test]
fn every_answer_to_a_listed_origin_allows_it_with_credentials_and_exposes_the_headers() {
    let server = Server::working();
    for (asked, status) in one_of_each() {
        for origin in LISTED {
            let answer = server.send(&asked.clone().header("Origin", origin));
            answer.assert_status(status);
            assert_allowed(&answer, origin);
            let exposed = [
                "ETag",
                "Idempotency-Replayed",
                "Link",
                "Location",
                "RateLimit",
                "RateLimit-Policy",
                "Retry-After",
                "WWW-Authenticate",
                "X-Request-Id",
            ];
            assert_eq!(entries(&answer, "access-control-expose-headers"), exposed);
            assert_eq!(cors_headers(&answer).len(), 3, "{:?}", answer.headers);
        }
    }
}

#[test]
fn a_500_by_a_panic_and_a_503_are_no_exception() {
    let mut port = MockTaskRepository::new();
    port.expect_find().returning(|_, _| panic!("on purpose"));
    port.expect_list().returning(|_, _| Err(RepositoryError::Unavailable("down".into())));
    port.expect_execute().returning(|_, command| {
        Err(match command {
            TaskCommand::Create(_) => RepositoryError::UnknownUser,
            _ => RepositoryError::Unexpected("odd".into()),
        })
    });
    let server = Server::over(port);
    for (asked, status) in [
        (get("/api/alice/tasks/7"), 500),
        (delete("/api/alice/tasks/7"), 500),
        (get("/api/alice/tasks"), 503),
        (post("/api/alice/tasks").json(r#"{"title":"t"}"#), 403),
    ] {
        let answer = server.send(&asked.by("alice").header("Origin", LISTED[1]));
        answer.assert_status(status);
        assert_allowed(&answer, LISTED[1]);
        assert_eq!(cors_headers(&answer).len(), 3);
    }
}

/// Origins that are not listed, however near they come.
const UNLISTED: [&str; 16] = [
    "https://evil.example",
    "null",
    "*",
    "",
    "https://app.example.com/",
    "https://app.example.com:443",
    "https://APP.example.com",
    "HTTPS://app.example.com",
    "http://app.example.com",
    "https://app.example.com.evil.example",
    "https://evil.example#https://app.example.com",
    "https://sub.app.example.com",
    "https://app.example.co",
    "http://localhost:3001",
    "http://localhost",
    "https://app.example.com, http://localhost:3000",
];

#[test]
fn an_unlisted_origin_gets_no_cors_header_at_all() {
    let server = Server::working();
    for origin in UNLISTED {
        let answer = server.send(&preflight("/api/alice/tasks", origin));
        answer.assert_status(204);
        assert_eq!(cors_headers(&answer), [], "{origin}");
        for (asked, status) in [
            (get("/api/alice/tasks").by("alice"), 200),
            (get("/api/alice/tasks"), 401),
            (get("/nowhere").by("alice"), 404),
            (get("/health"), 200),
        ] {
            let answer = server.send(&asked.header("Origin", origin));
            answer.assert_status(status);
            assert_eq!(cors_headers(&answer), [], "{origin}");
        }
    }
}

#[test]
fn several_origins_are_none() {
    let server = Server::working();
    for (first, second) in [
        (LISTED[0], LISTED[0]),
        (LISTED[0], LISTED[1]),
        (LISTED[0], "https://evil.example"),
        ("null", LISTED[0]),
    ] {
        let answer = server.send(&get("/health").header("Origin", first).header("origin", second));
        answer.assert_status(200);
        assert_eq!(cors_headers(&answer), []);
        let answer = server.send(&preflight("/health", first).header("Origin", second));
        answer.assert_status(204);
        assert_eq!(cors_headers(&answer), []);
    }
}

#[test]
fn without_an_origin_there_is_no_cors_header_but_vary() {
    let server = Server::working();
    for (asked, status) in one_of_each() {
        let answer = server.send(&asked);
        answer.assert_status(status);
        assert_eq!(cors_headers(&answer), []);
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

#[test]
fn an_options_that_is_no_preflight_is_a_wrong_method_like_any_other() {
    let server = Server::without_port();
    let asks = "Access-Control-Request-Method";
    for asked in [
        options("/api/alice/tasks"),
        options("/api/alice/tasks").header("Origin", LISTED[0]),
        options("/api/alice/tasks").header(asks, "PUT"),
        options("/api/alice/tasks").header("Origin", LISTED[0]).header("Access-Control-Request-Headers", "x"),
    ] {
        server.send(&asked).assert_error(401, "unauthorized");
        server.send(&asked.clone().by("bob")).assert_error(403, "forbidden");
        let answer = server.send(&asked.by("alice"));
        answer.assert_error(405, "method_not_allowed");
        assert!(!answer.header("allow").unwrap().contains("OPTIONS"));
    }
    for asked in [options("/health"), options("/docs").header("Origin", LISTED[0])] {
        server.send(&asked).assert_error(405, "method_not_allowed");
    }
    server.send(&options("/nowhere").by("alice")).assert_error(404, "not_found");
    // What asks like a preflight with another method is none.
    server
        .send(&get("/api/alice/tasks").header("Origin", LISTED[0]).header(asks, "PUT"))
        .assert_error(401, "unauthorized");
}
