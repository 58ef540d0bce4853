//! docs/api.md, "Content types": `unsupported_media_type`.

use crate::helpers::{Request, Server, patch, post, put};

const BODY: &str = r#"{"title":"t"}"#;

/// A request for each route that reads a body, with one.
fn readers() -> [Request; 4] {
    [
        post("/api/alice/tasks").body(BODY),
        put("/api/alice/tasks/7").body(BODY),
        patch("/api/alice/tasks/7").body(BODY),
        patch("/api/alice/tasks/7/complete").body(r#"{"completed":true}"#),
    ]
    .map(|request| request.by("alice"))
}

/// Whether it is a merge patch, which may also be sent as what it is.
fn is_merge_patch(request: &Request) -> bool {
    request.method == "PATCH" && request.target.ends_with("/7")
}

#[test]
fn json_is_taken_in_any_case_and_with_any_parameters() {
    let server = Server::working();
    for content_type in [
        "application/json",
        "Application/JSON",
        "APPLICATION/json",
        "application/json;charset=utf-8",
        "application/json; charset=UTF-8",
        "application/json ; charset=utf-8",
        "application/json;charset=\"utf-8\"",
        "application/json; charset=latin1",
        "application/json; version=1; q=\"a;b\\\"c\"",
        "application/json;\tx=y",
        "application/json;x=a+b.c!#$%&'*^`|~",
    ] {
        for request in readers() {
            let answer = server.send(&request.header("Content-Type", content_type));
            assert!([200, 201].contains(&answer.status), "{content_type}: {}", answer.text());
        }
    }
}

#[test]
fn every_other_type_is_refused() {
    let server = Server::without_port();
    for content_type in [
        &b""[..],
        b" ",
        b"json",
        b"text/json",
        b"text/plain",
        b"text/plain; application/json",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=x",
        b"application/jsonp",
        b"application/json5",
        b"application/ld+json",
        b"application/problem+json",
        b"application/json-patch+json",
        b"application/merge-patch",
        b"application/merge-patch+xml",
        b"merge-patch+json",
        b"application/merge-patch+json, application/json",
        b"application/vnd.api+json",
        b"application/json+json",
        b"application/*",
        b"*/*",
        b"application",
        b"application/",
        b"/json",
        b"application//json",
        b"application/ json",
        b"application /json",
        b"application/json, application/json",
        b"application/json,",
        b"application/json charset=utf-8",
        b"application/json; charset",
        b"application/json; =utf-8",
        b"application/json; charset=",
        b"application/json; charset =utf-8",
        b"application/json; charset= utf-8",
        b"application/json; charset=\"utf-8",
        b"application/json; charset=utf-8 utf-8",
        b"application/json; charset=utf-8, text/plain",
        b"application/json\xff",
        b"application/json; x=\xc3\xa9",
        b"\"application/json\"",
        b"application\\json",
    ] {
        for request in readers() {
            let answer = server.send(&request.header("Content-Type", content_type));
            assert_eq!(answer.status, 415, "{:?}", String::from_utf8_lossy(content_type));
            answer.assert_error(415, "unsupported_media_type");
        }
    }
}

#[test]
fn a_merge_patch_may_be_sent_as_what_it_is_and_nothing_else_may() {
    let server = Server::working();
    for content_type in [
        "application/merge-patch+json",
        "Application/Merge-Patch+JSON",
        "application/merge-patch+json;charset=utf-8",
        "application/merge-patch+json ; x=\"a;b\"",
    ] {
        for request in readers() {
            let answer = server.send(&request.clone().header("Content-Type", content_type));
            if is_merge_patch(&request) {
                answer.task();
            } else {
                answer.assert_error(415, "unsupported_media_type");
            }
        }
    }
}

#[test]
fn a_missing_or_repeated_type_is_refused() {
    let server = Server::without_port();
    for request in readers() {
        let json = || request.clone().header("Content-Type", "application/json");
        for request in [
            request.clone(),
            json().header("Content-Type", "application/json"),
            json().header("content-type", "text/plain"),
        ] {
            server.send(&request).assert_error(415, "unsupported_media_type");
        }
    }
}

#[test]
fn no_content_encoding_but_identity_is_taken() {
    let without_port = Server::without_port();
    let working = Server::working();
    for request in readers() {
        let json = request.header("Content-Type", "application/json");
        for coding in ["identity", "Identity", "IDENTITY"] {
            let answer = working.send(&json.clone().header("Content-Encoding", coding));
            assert!([200, 201].contains(&answer.status), "{coding}: {}", answer.text());
        }
        for coding in [
            "gzip",
            "x-gzip",
            "deflate",
            "br",
            "zstd",
            "compress",
            "identity, gzip",
            "gzip, identity",
            "utf-8",
        ] {
            let answer = without_port.send(&json.clone().header("Content-Encoding", coding));
            answer.assert_error(415, "unsupported_media_type");
        }
        let twice = json.header("Content-Encoding", "identity").header("Content-Encoding", "gzip");
        without_port.send(&twice).assert_error(415, "unsupported_media_type");
    }
}
