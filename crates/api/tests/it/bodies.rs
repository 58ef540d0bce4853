//! docs/api.md, "Common errors": `invalid_json` and `payload_too_large`.

use std::io::Write;

use crate::helpers::{
    Request, Server,
    client::{Connection, connect, exchange},
    delete, get, patch, post, put,
};

const LIMIT: usize = 131_072;

/// A create, an update and a patch: the routes that need a body.
fn readers() -> [Request; 3] {
    [post("/api/alice/tasks"), put("/api/alice/tasks/7"), patch("/api/alice/tasks/7")]
        .map(|request| request.by("alice"))
}

fn with_body(request: Request, body: impl Into<Vec<u8>>) -> Request {
    request.header("Content-Type", "application/json").body(body)
}

#[test]
fn a_body_that_is_no_json_object_in_utf8_is_invalid_json() {
    let server = Server::without_port();
    let bodies: &[&[u8]] = &[
        b"",
        b" ",
        b"\r\n",
        b"{",
        b"}",
        b"{]",
        br#"{"title"}"#,
        br#"{"title":}"#,
        br#"{"title":"t""#,
        br#"{"title":"t"#,
        br#"{"title":"t",}"#,
        br#"{,"title":"t"}"#,
        br#"{"title" "t"}"#,
        br#"{title:"t"}"#,
        br"{'title':'t'}",
        br#"{"title":'t'}"#,
        br#"{"title":"t"} x"#,
        br#"{"title":"t"}{}"#,
        br#"{"title":"t"}]"#,
        b"{\"title\":\"t\"}\0",
        br#"{"title":"t"} // the end"#,
        br#"/* before */ {"title":"t"}"#,
        // Other values than objects.
        b"[]",
        br#"[{"title":"t"}]"#,
        br#""title""#,
        b"1",
        b"-0",
        b"true",
        b"null",
        b"undefined",
        b"NaN",
        // Literals and numbers that JSON does not know.
        br#"{"title":True}"#,
        br#"{"title":nul}"#,
        br#"{"title":NaN}"#,
        br#"{"title":Infinity}"#,
        br#"{"title":-Infinity}"#,
        br#"{"title":01}"#,
        br#"{"title":+1}"#,
        br#"{"title":.5}"#,
        br#"{"title":5.}"#,
        br#"{"title":1e}"#,
        br#"{"title":0x10}"#,
        br#"{"title":1_000}"#,
        // Numbers beyond a double.
        br#"{"title":1e309}"#,
        br#"{"title":-1e309}"#,
        br#"{"title":"t","x":{"y":[1e999999]}}"#,
        br#"{"title":1.8e308}"#,
        // Control characters and escapes that JSON does not know.
        b"{\"title\":\"a\nb\"}",
        b"{\"title\":\"a\tb\"}",
        b"{\"title\":\"a\0b\"}",
        b"{\"title\":\"a\x1fb\"}",
        br#"{"title":"\x41"}"#,
        br#"{"title":"\u12"}"#,
        br#"{"title":"\u{41}"}"#,
        br#"{"title":"\'"}"#,
        // Lone surrogates, in values and in names.
        br#"{"title":"\ud800"}"#,
        br#"{"title":"\udc00"}"#,
        br#"{"title":"a\ud83eb"}"#,
        br#"{"title":"\ud83e\ud83e"}"#,
        br#"{"title":"\udd80\ud83e"}"#,
        br#"{"title":"\ud83e\u0041"}"#,
        br#"{"title":"t","\ud83e":1}"#,
        br#"{"title":"t","x":["\uDFFF"]}"#,
        // What is not UTF-8.
        b"{\"title\":\"\xff\"}",
        b"{\"title\":\"\xc3\"}",
        b"{\"title\":\"\xc0\xaf\"}",
        b"{\"title\":\"\xed\xa0\x80\"}",
        b"{\"title\":\"\xf4\x90\x80\x80\"}",
        b"{\"title\":\"\xe9t\xe9\"}",
        b"{\"title\":\"t\",\"\xff\":1}",
        // Byte order marks and other encodings.
        b"\xef\xbb\xbf{\"title\":\"t\"}",
        b"\xff\xfe{\0}\0",
        b"\xfe\xff\0{\0}",
        b"{\0\"\0t\0\"\0:\x001\0}\0",
        b"\0{\0}",
        // White space that JSON does not know.
        b"\xc2\xa0{\"title\":\"t\"}",
        b"\x0b{\"title\":\"t\"}",
        // Repeated members, at any depth and however they are written.
        br#"{"title":"t","title":"t"}"#,
        br#"{"title":"t","title":null}"#,
        br#"{"title":"t","t\u0069tle":"u"}"#,
        br#"{"title":"t","x":1,"x":1}"#,
        br#"{"title":"t","":1,"":1}"#,
        br#"{"title":"t","x":{"y":{"z":1,"z":2}}}"#,
        br#"{"title":"t","x":[[{"y":1,"\u0079":1}]]}"#,
        "{\"title\":\"t\",\"é\":1,\"\\u00e9\":1}".as_bytes(),
    ];
    let completion = patch("/api/alice/tasks/7/complete").by("alice");
    for body in bodies {
        // A completion does without a body.
        let and_completion = (!body.is_empty()).then(|| completion.clone());
        for request in readers().into_iter().chain(and_completion) {
            let answer = server.send(&with_body(request, *body));
            assert_eq!(answer.status, 400, "{:?}", String::from_utf8_lossy(body));
            answer.assert_error(400, "invalid_json");
        }
    }
}

#[test]
fn whole_numbers_beyond_a_double_are_invalid_json_too() {
    let server = Server::without_port();
    for digits in [309, 400, 100_000] {
        for sign in ["", "-"] {
            let body = format!(r#"{{"title":"t","x":{sign}{}}}"#, "9".repeat(digits));
            server.send(&post("/api/alice/tasks").by("alice").json(&body)).assert_error(400, "invalid_json");
        }
    }
    let body = format!(r#"{{"title":"t","x":{}}}"#, "9".repeat(308));
    server.send(&post("/api/alice/tasks").by("alice").json(&body)).assert_error(400, "validation_failed");
}

#[test]
fn extreme_nesting_is_invalid_json_and_harms_nothing() {
    let server = Server::without_port();
    let levels = 100_000;
    for body in [
        "[".repeat(levels),
        format!(r#"{{"title":"t","x":{}}}"#, "[".repeat(levels)),
        format!(r#"{{"title":"t","x":{}{}}}"#, "[".repeat(60_000), "]".repeat(60_000)),
        r#"{"x":"#.repeat(20_000),
        format!("{}1{}", r#"{"x":"#.repeat(20_000), "}".repeat(20_000)),
        r#"[{"x":"#.repeat(15_000),
        format!(r#"{{"title":{}"t"{}}}"#, "[".repeat(1000), "]".repeat(1000)),
    ] {
        for request in readers() {
            server.send(&request.json(&body)).assert_error(400, "invalid_json");
        }
    }
    server.send(&get("/health")).assert_status(200);
}

#[test]
fn members_of_the_same_name_in_different_objects_and_harmless_oddities_are_json() {
    let server = Server::without_port();
    for body in [
        r#"{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}"#,
        r#" {"x" : [ ] , "y" : -0.0e-0 , "z":123456789012345678901234567890 } "#,
        r#"{"x":1.7976931348623157e308,"y":4.9e-324,"z":1e-999}"#,
        "\t\r\n{\"x\":\"\\u0000\\ud83e\\udd80\\/\\b\\f\\n\\r\\t\"}\n",
        r#"{"title ":1,"Title":2,"TITLE":3}"#,
    ] {
        for request in readers() {
            server.send(&request.json(body)).assert_error(400, "validation_failed");
        }
    }
}

#[test]
fn the_answer_to_a_bad_body_repeats_nothing_of_its_values() {
    let server = Server::without_port();
    for body in [
        r#"{"title": hunter2}"#,
        r#"{"title":"hunter2"#,
        r#"{"title":{"hunter2":1,"hunter2":1}}"#,
        r#"{"title":["hunter2"],"description":{"hunter2":1}}"#,
        "hunter2",
    ] {
        let answer = server.send(&post("/api/alice/tasks").by("alice").json(body));
        assert_eq!(answer.status, 400);
        assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    }
}

/// A valid body of exactly that many bytes, most of it white space.
fn body_of(length: usize) -> String {
    let text = r#"{"title":"t"}"#;
    format!("{text}{}", " ".repeat(length - text.len()))
}

#[test]
fn a_body_may_have_131072_bytes_however_it_is_framed() {
    let server = Server::working();
    for request in readers() {
        let typed = request.header("Content-Type", "application/json");
        for framed in [typed.clone().body(body_of(LIMIT)), typed.chunked(body_of(LIMIT))] {
            assert!([200, 201].contains(&server.send(&framed).status));
        }
    }
}

#[test]
fn one_byte_more_is_too_large_however_it_is_framed() {
    let server = Server::without_port();
    for length in [LIMIT + 1, LIMIT + 2, 200_000, 1_000_000] {
        for request in readers() {
            let typed = request.header("Content-Type", "application/json");
            server.send(&typed.clone().body(body_of(length))).assert_error(413, "payload_too_large");
            server.send(&typed.chunked(body_of(length))).assert_error(413, "payload_too_large");
        }
    }
}

#[test]
fn a_route_that_reads_no_body_takes_one_of_any_size() {
    let server = Server::working();
    for asked in [get("/api/alice/tasks"), get("/api/alice/tasks/7"), delete("/api/alice/tasks/7")] {
        let asked = asked.by("alice");
        server.send(&asked.clone().body(body_of(LIMIT + 1))).assert_status(200);
        server.send(&asked.chunked(body_of(300_000))).assert_status(200);
    }
}

#[test]
fn the_size_is_judged_before_the_content() {
    let server = Server::without_port();
    let oversize = "{".repeat(LIMIT + 1);
    for request in readers() {
        let typed = request.header("Content-Type", "application/json");
        server.send(&typed.clone().body(oversize.as_str())).assert_error(413, "payload_too_large");
        server.send(&typed.chunked(oversize.as_str())).assert_error(413, "payload_too_large");
    }
}

#[test]
fn an_announced_length_that_is_too_large_is_refused_before_the_body_is_sent() {
    let server = Server::without_port();
    for length in ["131073", "4294967296", "9223372036854775807", "18446744073709551615"] {
        let head = String::from_utf8(post("/api/alice/tasks").by("alice").to_bytes()).unwrap();
        let head = head.replace(
            "\r\n\r\n",
            &format!("\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"),
        );
        let mut connection = Connection::open(server.address);
        connection.write(head.as_bytes());
        connection.read("POST").assert_error(413, "payload_too_large");
    }
}

#[test]
fn a_body_that_ends_too_early_stores_nothing() {
    let server = Server::without_port();
    let whole =
        String::from_utf8(post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#).to_bytes()).unwrap();
    let mut stream = connect(server.address);
    stream.write_all(&whole.as_bytes()[..whole.len() - 5]).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut answer).unwrap();
    let text = String::from_utf8(answer).unwrap();
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 400 "), "{text}");
}

#[test]
fn a_broken_chunk_is_refused() {
    let server = Server::without_port();
    let head = String::from_utf8(post("/api/alice/tasks").by("alice").to_bytes()).unwrap();
    let head = head.trim_end().to_owned()
        + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    for chunks in
        ["zz\r\n{}\r\n0\r\n\r\n", "-1\r\n{}\r\n", "ffffffffffffffffff\r\n{}\r\n", "2\r\n{}x\r\n0\r\n\r\n"]
    {
        let answer = exchange(server.address, format!("{head}{chunks}").as_bytes()).unwrap_or_default();
        let text = String::from_utf8(answer).unwrap();
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{chunks:?}: {text}");
    }
    server.send(&get("/health")).assert_status(200);
}

#[test]
fn a_refused_body_is_never_taken_for_the_next_request() {
    let server = Server::working();
    let smuggled = "GET /api/alice/tasks/7 HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(4);
    for request in [
        // Answered before the body is read: no token, another user, no route, no method, no id, no type, no tag.
        post("/api/alice/tasks").json(&smuggled),
        post("/api/bob/tasks").by("alice").json(&smuggled),
        post("/nowhere").by("alice").json(&smuggled),
        patch("/api/alice/tasks").by("alice").json(&smuggled),
        put("/api/alice/tasks/x").by("alice").json(&smuggled),
        put("/api/alice/tasks/7").by("alice").body(smuggled.as_str()),
        put("/api/alice/tasks/7").by("alice").header("If-Match", "x").json(&smuggled),
        patch("/api/alice/tasks/7/complete").by("alice").body(smuggled.as_str()),
        delete("/api/alice/tasks/7").by("alice").body(smuggled.as_str()),
        get("/api/alice/tasks/7").by("alice").body(smuggled.as_str()),
    ] {
        let mut connection = Connection::open(server.address);
        connection.write(&request.to_bytes());
        let first = connection.read(&request.method);
        first.check_what_holds_for_all(&request);
        connection.write(&get("/health").to_bytes());
        // Either the connection is closed or the next answer is that of the next request.
        if let Some(second) = connection.try_read("GET") {
            assert_eq!(second.text(), r#"{"status":"ok","environment":"dev"}"#);
        }
    }
}

#[test]
fn a_client_that_waits_for_100_continue_gets_its_answer() {
    let server = Server::working();
    let create = post("/api/alice/tasks").by("alice").header("Expect", "100-continue");
    server.send(&create.clone().json(r#"{"title":"t"}"#)).assert_status(201);
    server.send(&create.json(&body_of(LIMIT + 1))).assert_error(413, "payload_too_large");
}
