//! docs/api.md, "Routes": ids and user segments as they may be written, and what is no route.

use crate::helpers::{Request, Server, client::exchange, delete, get, options, patch, post, put, request};

fn requests_for(id: &str) -> [Request; 5] {
    let path = format!("/api/alice/tasks/{id}");
    [
        get(&path),
        put(&path).json(r#"{"title":"t"}"#),
        patch(&path).json(r#"{"title":"t"}"#),
        delete(&path),
        patch(format!("{path}/complete")),
    ]
    .map(|request| request.by("alice"))
}

#[test]
fn an_id_is_written_in_plain_decimal_digits_and_anything_else_is_no_path() {
    let server = Server::without_port();
    let long = "1".repeat(20_000);
    let zeros = format!("{}7", "0".repeat(300));
    for id in [
        "0",
        "00",
        "-1",
        "-0",
        "+1",
        "%2B1",
        "007",
        "01",
        "1.0",
        "1.",
        ".5",
        "1e3",
        "0x1",
        "1_000",
        "1,000",
        "%31",
        "%37",
        "1%20",
        "%201",
        "1%00",
        "1%0A",
        "abc",
        "null",
        "NaN",
        "..%2F7",
        "7%2F7",
        "7;x",
        "%D9%A3",
        "%EF%BC%91",
        "%ff",
        "%",
        "%3",
        "9223372036854775808",
        "18446744073709551617",
        "99999999999999999999999999",
        &long,
        &zeros,
    ] {
        for request in requests_for(id) {
            server.send(&request).assert_error(400, "invalid_path");
        }
    }
}

#[test]
fn ids_up_to_the_greatest_are_looked_up() {
    let server = Server::working();
    for id in ["1", "10", "9007199254740991", "9007199254740992", "9223372036854775807"] {
        for request in requests_for(id) {
            server.send(&request).assert_error(404, "not_found");
        }
    }
}

#[test]
fn a_user_segment_that_is_not_percent_encoded_utf8_belongs_to_no_user() {
    let server = Server::without_port();
    for segment in [
        "%",
        "%4",
        "alice%",
        "alice%6",
        "%zz",
        "%ff",
        "%C3",
        "%ED%A0%80",
        "%C0%AF",
        "%F5%80%80%80",
        "%%",
        "%FF%FE",
    ] {
        for request in [
            get(format!("/api/{segment}/tasks")),
            post(format!("/api/{segment}/tasks")).json(r#"{"title":"t"}"#),
            get(format!("/api/{segment}/tasks/7")),
            put(format!("/api/{segment}/tasks/7")).json(r#"{"title":"t"}"#),
            delete(format!("/api/{segment}/tasks/7")),
            patch(format!("/api/{segment}/tasks/7")).json("{}"),
            patch(format!("/api/{segment}/tasks/7/complete")),
        ] {
            server.send(&request.clone().by("alice")).assert_error(403, "forbidden");
            // Nor the path of a user whose id a lenient decoder would make of it.
            server.send(&request.clone().by("\u{fffd}")).assert_error(403, "forbidden");
            server.send(&request.clone().by(segment)).assert_error(403, "forbidden");
            server.send(&request).assert_error(401, "unauthorized");
        }
    }
}

#[test]
fn a_path_that_is_not_in_the_table_is_an_unknown_route_without_redirects() {
    let server = Server::without_port();
    for path in [
        "/",
        "//",
        "/api",
        "/api/",
        "/api/alice",
        "/api/alice/",
        "/api/alice/tasks/",
        "/api/alice//tasks",
        "/api//tasks",
        "//api/alice/tasks",
        "/api/alice/tasks//7",
        "/api/alice/tasks/7/",
        "/api/alice/tasks/7//complete",
        "/api/alice/tasks/7/complete/",
        "/api/alice/tasks/7/completed",
        "/api/alice/tasks/7/complete/x",
        "/api/alice/Tasks",
        "/API/alice/tasks",
        "/api/alice/task",
        "/health/",
        "/Health",
        "/healthz",
        "/openapi.json/",
        "/openapi.yaml",
        "/docsx",
        "/metrics",
        "/favicon.ico",
        "/.env",
        "/api/alice/tasks/7/../7",
        "/api/bob/x",
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            let asked = request(method, path);
            let anonymous = server.send(&asked);
            let alice = server.send(&asked.by("alice"));
            assert_eq!((anonymous.status, alice.status), (401, 404), "{method} {path}");
            if method != "HEAD" {
                anonymous.assert_error(401, "unauthorized");
                alice.assert_error(404, "not_found");
            }
        }
    }
}

#[test]
fn a_wrong_method_is_answered_with_those_that_the_route_knows() {
    let server = Server::without_port();
    for (path, allowed) in [
        ("/api/alice/tasks", &["GET", "HEAD", "POST"][..]),
        ("/api/alice/tasks/7", &["GET", "HEAD", "PUT", "PATCH", "DELETE"]),
        ("/api/alice/tasks/7/complete", &["PATCH"]),
        ("/health", &["GET", "HEAD"]),
        ("/docs", &["GET", "HEAD"]),
        ("/docs/page.css", &["GET", "HEAD"]),
        ("/redoc", &["GET", "HEAD"]),
        ("/openapi.json", &["GET", "HEAD"]),
    ] {
        for method in
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get", "PROPFIND"]
        {
            if allowed.contains(&method) {
                continue;
            }
            let answer = server.send(&request(method, path).by("alice"));
            let mut named: Vec<_> = answer.header("allow").expect("Allow").split(", ").collect();
            named.sort_unstable();
            let mut expected = allowed.to_vec();
            expected.sort_unstable();
            assert_eq!(named, expected, "{method} {path}");
            if method != "HEAD" {
                answer.assert_error(405, "method_not_allowed");
            }
        }
    }
}

#[test]
fn other_forms_of_the_target_are_judged_like_the_path_in_them() {
    let server = Server::working();
    let absolute = "http://localhost/api/alice/tasks/7";
    assert_eq!(server.send(&get(absolute).by("alice")).assert_status(200).json()["id"], 7);
    server.send(&get("http://localhost/api/bob/tasks/7").by("alice")).assert_error(403, "forbidden");
    server.send(&get(absolute)).assert_error(401, "unauthorized");
    server.send(&options("*")).assert_error(401, "unauthorized");
    server.send(&options("*").by("alice")).assert_error(404, "not_found");
}

#[test]
fn older_and_stranger_forms_of_http_are_answered_too() {
    let server = Server::working();
    for (text, status) in [
        ("GET /health HTTP/1.0\r\n\r\n", "200"),
        ("GET /api/alice/tasks HTTP/1.0\r\n\r\n", "401"),
        ("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "401"),
        ("TRACE /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "405"),
        ("GET /health?a=b#fragment HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "200"),
    ] {
        let answer = String::from_utf8(exchange(server.address, text.as_bytes()).unwrap()).unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{text}: {answer}");
        assert!(answer.to_ascii_lowercase().contains("\r\nx-request-id: "), "{answer}");
    }
}

#[test]
fn a_head_that_is_too_large_or_never_ends_is_refused_and_the_server_goes_on() {
    let server = Server::working();
    let huge = format!("GET /health HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(300_000));
    let many = format!("GET /health HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1000));
    let endless = "GET /health HTTP/1.1\r\nHost: local";
    for text in [&*huge, &many, endless] {
        let answer = exchange(server.address, text.as_bytes()).unwrap_or_default();
        let text = String::from_utf8(answer).unwrap();
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
        server.send(&get("/health")).assert_status(200);
    }
}

#[test]
fn an_encoded_slash_separates_nothing() {
    let server = Server::without_port();
    for path in
        ["/api/alice%2Ftasks", "/api%2Falice/tasks", "/api/alice/tasks%2F7", "/api/alice/tasks%2f7/complete"]
    {
        server.send(&get(path).by("alice")).assert_error(404, "not_found");
        server.send(&get(path)).assert_error(401, "unauthorized");
    }
    server.send(&get("/api/alice%2Ftasks/tasks").by("alice")).assert_error(403, "forbidden");
    server.send(&get("/docs%2Fpage.css")).assert_error(401, "unauthorized");
}

#[test]
fn dot_segments_are_not_resolved() {
    let server = Server::without_port();
    for path in ["/api/bob/../alice/tasks", "/api/./alice/tasks", "/docs/../api/alice/tasks"] {
        let answer = server.send(&get(path).by("alice"));
        assert_eq!(answer.status, 404, "{path}");
    }
    server.send(&get("/api/%2e%2e/tasks").by("alice")).assert_error(403, "forbidden");
}

#[test]
fn bytes_that_are_not_http_are_refused_and_the_server_goes_on() {
    let server = Server::working();
    for bytes in [
        &b"GET\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /hea lth HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nX: a\0b\r\n\r\n",
        b"POST /api/alice/tasks HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/alice/tasks HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /api/alice/tasks HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/alice/tasks HTTP/1.1\r\nTransfer-Encoding: gzip, chunked, x\r\n\r\n0\r\n\r\n",
    ] {
        let answer = exchange(server.address, &[bytes, &b"\r\n\r\n"[..]].concat()).unwrap_or_default();
        let status = String::from_utf8_lossy(&answer).chars().skip(9).take(3).collect::<String>();
        assert!(
            status.is_empty() || status.starts_with('4'),
            "{:?}: {status}",
            String::from_utf8_lossy(bytes)
        );
        server.send(&get("/health")).assert_status(200);
    }
}

#[test]
fn a_user_id_that_a_client_forgot_to_encode_is_no_route_and_the_answer_says_what_is_missing() {
    let server = Server::working();
    for (user, encoded) in [("a/b", "a%2Fb"), ("a?b", "a%3Fb")] {
        let refusal = server.send(&get(format!("/api/{user}/tasks")).by(user)).assert_error(404, "not_found");
        assert!(refusal.detail.contains("percent-encoded"), "{}", refusal.detail);
        server.send(&get(format!("/api/{encoded}/tasks")).by(user)).assert_status(200);
    }
}
