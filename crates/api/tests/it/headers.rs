//! docs/api.md, "Headers": what every answer carries.

use std::collections::HashSet;

use crate::helpers::{Request, Server, Stack, get, options, post};

fn of_every_kind() -> [Request; 7] {
    [
        get("/health"),
        get("/health/live"),
        get("/docs"),
        get("/api/alice/tasks").by("alice"),
        get("/api/alice/tasks"),
        post("/api/alice/tasks").by("alice").json("{"),
        options("/x").header("Origin", "https://evil.example").header("Access-Control-Request-Method", "GET"),
    ]
}

#[test]
fn a_well_formed_request_id_comes_back() {
    let server = Server::working();
    for id in
        ["a", "0", "A-Z.a_z-0.9", "...", "-", "_", "550e8400-e29b-41d4-a716-446655440000", &"x".repeat(128)]
    {
        for request in of_every_kind() {
            let answer = server.send(&request.header("X-Request-Id", id));
            assert_eq!(answer.header("x-request-id"), Some(id));
        }
    }
}

/// RFC 9110, section 7.8: a server may ignore an upgrade that a client offers.
#[test]
fn an_upgrade_that_is_offered_is_ignored_body_and_all() {
    let stack = Stack::new();
    let create = || post("/api/alice/tasks").by("alice").json(r#"{"title":"x"}"#);
    for protocol in ["websocket", "WebSocket", "h2c", "TLS/1.3, websocket"] {
        for connection in ["Upgrade", "keep-alive, Upgrade", "keep-alive"] {
            let offering =
                |request: Request| request.header("Upgrade", protocol).header("Connection", connection);
            stack.send(&offering(create())).assert_status(201);
            stack
                .send(&offering(post("/api/alice/tasks").by("alice").json("{")))
                .assert_error(400, "invalid_json");
            stack.send(&offering(get("/api/alice/tasks").by("alice"))).assert_status(200);
            stack.send(&offering(get("/health"))).assert_status(200);
        }
    }
}

/// RFC 9110, sections 10.1.1, 10.1.4 and 6.6.2.
#[test]
fn other_headers_about_the_connection_change_nothing_either() {
    let stack = Stack::new();
    for (name, value) in [("Expect", "100-continue"), ("TE", "trailers, gzip"), ("Trailer", "X-Checksum")] {
        let create = post("/api/alice/tasks").by("alice").json(r#"{"title":"x"}"#);
        stack.send(&create.header(name, value)).assert_status(201);
        stack.send(&get("/api/alice/tasks").by("alice").header(name, value)).assert_status(200);
    }
}

#[test]
fn any_other_request_id_is_replaced_by_a_new_one() {
    let server = Server::working();
    let too_long = "x".repeat(129);
    for id in [
        &b""[..],
        too_long.as_bytes(),
        b"a b",
        b"a,b",
        b"a/b",
        b"a:b",
        b"<script>",
        b"a\tb",
        b"\xc3\xa9",
        b"\xff",
        b"a+b",
        b"a=b",
        b"a;b",
        b"\"a\"",
        b"{a}",
        b"a%20b",
    ] {
        for request in of_every_kind() {
            let answer = server.send(&request.header("X-Request-Id", id));
            let new = answer.header("x-request-id").unwrap();
            assert_ne!(new.as_bytes(), id);
            assert!(new.len() >= 16, "{new} may well not be unique");
        }
    }
}

#[test]
fn a_request_id_that_is_sent_twice_is_replaced() {
    let server = Server::working();
    for (first, second) in [("mine-1", "mine-1"), ("mine-1", "mine-2"), ("mine-1", ""), ("", "mine-1")] {
        let answer =
            server.send(&get("/health").header("X-Request-Id", first).header("x-request-id", second));
        assert!(!answer.header("x-request-id").unwrap().contains("mine"), "{first:?} {second:?}");
    }
}

#[test]
fn new_request_ids_are_all_different() {
    let server = Server::working();
    let ids: HashSet<_> =
        (0..200).map(|_| server.send(&get("/health")).header("x-request-id").unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 200);
}

#[test]
fn the_request_id_may_be_written_in_any_case_and_with_white_space_around() {
    let server = Server::working();
    for name in ["X-Request-Id", "x-request-id", "X-REQUEST-ID"] {
        let answer = server.send(&get("/health").header(name, "  mine-1\t"));
        assert_eq!(answer.header("x-request-id"), Some("mine-1"));
    }
}

#[test]
fn the_pages_carry_a_policy_that_lets_in_nothing_foreign() {
    let server = Server::without_port();
    for path in ["/docs", "/redoc", "/docs/page.css", "/redoc/page.css"] {
        let answer = server.send(&get(path));
        let policy = answer.assert_status(200).header("content-security-policy").unwrap();
        let mut directives = policy.split(';').map(str::trim);
        assert_eq!(directives.next(), Some("default-src 'self'"));
        for directive in directives {
            for source in directive.split(' ').skip(1) {
                let harmless = ["'self'", "'none'", "data:", "blob:"].contains(&source)
                    || source.starts_with("'sha256-");
                assert!(harmless, "{path}: {directive}");
            }
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    }
}

#[test]
fn the_pages_and_what_they_load_are_served_and_no_other_host_is_asked() {
    let server = Server::without_port();
    for page in ["/docs", "/docs/", "/redoc", "/redoc/"] {
        let answer = server.send(&get(page));
        assert!(answer.header("content-type").unwrap().starts_with("text/html"));
        let html = answer.text();
        assert!(!html.contains("//"), "{page} names another host");
        let mut loaded = 0;
        for attribute in ["src=\"", "href=\""] {
            for rest in html.split(attribute).skip(1) {
                let address = rest.split('"').next().unwrap();
                assert!(!address.starts_with('/'), "{address}: a proxy may have taken a prefix away");
                let folder = page.rsplit_once('/').unwrap().0;
                let path = match address.strip_prefix("../") {
                    Some(above) => format!("/{above}"),
                    None => format!("{folder}/{address}"),
                };
                let file = server.send(&get(path));
                assert!(!file.assert_status(200).body.is_empty());
                loaded += 1;
            }
        }
        assert!(loaded >= 4, "{page} loads {loaded} files");
    }
}
