//! Behind a proxy that takes a prefix of the path away.

use crate::helpers::{
    get, patch, post,
    servers::{Stack, start},
};

/// The path as the proxy passes it on.
fn passed_on(path: &str) -> &str {
    path.strip_prefix("/todo").unwrap_or_else(|| panic!("{path} leads past the proxy"))
}

/// The address in a `Link` header.
fn target(link: &str) -> &str {
    link.strip_prefix('<').unwrap().split_once('>').unwrap().0
}

#[test]
fn the_addresses_in_headers_have_the_prefix_and_lead_back_through_the_proxy() {
    let stack = Stack::with(&[("PATH_PREFIX", "/todo")]);
    let create = || post("/api/alice/tasks").by("alice").json(r#"{"title":"t"}"#);
    let created = stack.send(&create());
    let location = created.header("location").unwrap();
    assert_eq!(stack.send(&get(passed_on(location)).by("alice")).task(), created.task());

    stack.send(&create());
    let first = stack.send(&get("/api/alice/tasks?limit=1&status=pending").by("alice"));
    let next = target(first.header("link").unwrap());
    assert!(next.starts_with("/todo/api/alice/tasks?"), "{next}");
    assert_eq!(stack.send(&get(passed_on(next)).by("alice")).tasks(), [created.task()]);
    // The last page and answers with one task have no address.
    let last = stack.send(&get(passed_on(next)).by("alice"));
    assert_eq!(last.header("link"), None);
    let toggled = stack.send(&patch(format!("{}/complete", passed_on(location))).by("alice"));
    assert_eq!((toggled.header("location"), toggled.header("link")), (None, None));
}

#[test]
fn a_stored_answer_gets_the_prefix_of_the_request_that_repeats_it() {
    let stack = Stack::new();
    let request =
        post("/api/alice/tasks").by("alice").header("Idempotency-Key", "k").json(r#"{"title":"t"}"#);
    let first = stack.send(&request);
    let plain = first.header("location").unwrap();
    for prefix in ["/todo", "/a/b.c"] {
        let (address, _stop) = start(stack.database.url(), &[("PATH_PREFIX", prefix)]);
        let again = request.send(address);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.header("location"), Some(&*format!("{prefix}{plain}")));
    }
    assert_eq!(stack.send(&request).header("location"), Some(plain));
}
