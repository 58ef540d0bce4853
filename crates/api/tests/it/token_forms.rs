//! docs/api.md, "Who may do what": tokens that are not written as a token is.

use serde_json::json;

use crate::helpers::{
    Server, claims, get, sign, token,
    tokens::{HEADER, assert_refused, encode, sign_parts, valid},
};

const PATH: &str = "/api/alice/tasks/7";

/// The token with its last character changed so that only bits which do not count are different.
fn with_trailing_bits(token: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = token.as_bytes().to_vec();
    let last = bytes.last_mut().unwrap();
    let value = ALPHABET.iter().position(|byte| byte == last).unwrap();
    *last = ALPHABET[value ^ 1];
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_header_that_is_not_bearer_one_space_and_a_token_is_refused() {
    let server = Server::without_port();
    let good = token("alice");
    for value in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        good.clone(),
        format!("Bearer  {good}"),
        format!("Bearer\t{good}"),
        format!("Bearer \t{good}"),
        format!("Bearer:{good}"),
        format!("Bearer: {good}"),
        format!("Bearer={good}"),
        format!("Bearer{good}"),
        format!("Bearer {good} x"),
        format!("Bearer {good},"),
        format!("Bearer {good}, Bearer {good}"),
        format!("Bearer \"{good}\""),
        format!("Bearer token={good}"),
        format!("Basic {good}"),
        format!("Basic {}", encode("alice:password")),
        format!("Token {good}"),
        format!("JWT {good}"),
        format!("DPoP {good}"),
        format!("Bearer Bearer {good}"),
        format!("\"Bearer\" {good}"),
        format!("B\u{e9}arer {good}"),
        format!("Bearer {good}\u{a0}"),
    ] {
        let answer = server.send(&get(PATH).header("Authorization", &value));
        assert_refused(&answer, &[&good]);
    }
}

#[test]
fn more_than_one_authorization_header_is_refused() {
    let server = Server::without_port();
    let bearer = |user| format!("Bearer {}", token(user));
    for (first, second) in [
        (bearer("alice"), bearer("alice")),
        (bearer("alice"), bearer("bob")),
        (bearer("alice"), "Basic eDp5".to_owned()),
        ("Basic eDp5".to_owned(), bearer("alice")),
        (bearer("alice"), String::new()),
        (String::new(), bearer("alice")),
    ] {
        let twice = get(PATH).header("Authorization", &first).header("authorization", &second);
        assert_refused(&server.send(&twice), &[&first]);
    }
}

#[test]
fn base64url_that_is_padded_or_not_strict_is_refused_in_every_part() {
    let server = Server::without_port();
    let good = token("alice");
    let parts: Vec<_> = good.split('.').collect();
    let mut tokens = vec![with_trailing_bits(&good)];
    for index in 0..3 {
        for change in ["=", "==", "\u{20}", "%3D", "+", "/", "!", "\n"] {
            let mut changed: Vec<_> = parts.iter().map(|part| (*part).to_owned()).collect();
            changed[index].push_str(change);
            if !change.contains('\n') {
                tokens.push(changed.join("."));
                // With a signature over the parts as they are: only the encoding is wrong.
                tokens.push(sign_parts(&changed[0], &changed[1]));
            }
        }
    }
    tokens.retain(|token| *token != good && token.trim_end() != good);
    // Claims whose length leaves bits over, which must be zero.
    let padded_claims: Vec<_> = (0..3).map(|length| claims(&json!({ "x": "y".repeat(length) }))).collect();
    for text in &padded_claims {
        let encoded = encode(text);
        if encoded.len() % 4 != 0 {
            tokens.push(sign_parts(&encode(HEADER), &with_trailing_bits(&encoded)));
        }
    }
    // The other alphabet.
    let with_slashes = claims(&json!({"x": "\u{3ff}\u{3ff}???>>>~~~"}));
    let standard = base64::Engine::encode(&base64::prelude::BASE64_STANDARD_NO_PAD, with_slashes);
    assert!(standard.contains(['+', '/']));
    tokens.push(sign_parts(&encode(HEADER), &standard));
    assert!(tokens.len() > 25);
    for token in &tokens {
        assert_refused(&server.send(&get(PATH).bearing(token)), &[token]);
    }
}

#[test]
fn a_token_has_three_parts_and_a_header_and_claims_that_are_json_objects() {
    let server = Server::without_port();
    let good = token("alice");
    let parts: Vec<_> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let bom = format!("\u{feff}{}", valid());
    let mut tokens = vec![
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "x".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{header}.{payload}.{payload}.{signature}"),
        format!("{header}.{payload}.x.y.{signature}"),
        format!("{payload}.{header}.{signature}"),
        sign_parts("", ""),
        sign_parts(header, ""),
        sign_parts("", payload),
        sign_parts(&format!("{header}.{payload}"), payload),
        encode(&good),
    ];
    for text in ["", "{", "[]", "null", "1", "\"alice\"", "{}x", "not json", &bom] {
        tokens.push(sign(HEADER, text));
        tokens.push(sign(text, &valid()));
    }
    for bytes in [
        &b"\xff\xfe"[..],
        b"{\"sub\":\"\xff\",\"exp\":4102444800}",
        b"{\"sub\":\"alice\",\"exp\":4102444800}\0",
    ] {
        tokens.push(sign_parts(header, &encode(bytes)));
    }
    tokens.push(sign(HEADER, &"[".repeat(50_000)));
    tokens.push(sign(&"[".repeat(50_000), &valid()));
    for token in &tokens {
        assert_refused(&server.send(&get(PATH).bearing(token)), &[]);
    }
}

#[test]
fn a_crit_header_is_refused_whatever_it_says() {
    let server = Server::without_port();
    for crit in [r#"["exp"]"#, "[]", "null", "true", r#""exp""#, r#"["b64"]"#] {
        let header = format!(r#"{{"alg":"HS256","crit":{crit},"exp":1,"b64":true}}"#);
        assert_refused(&server.send(&get(PATH).bearing(&sign(&header, &valid()))), &[]);
    }
}

#[test]
fn a_repeated_member_of_header_or_claims_is_refused() {
    let server = Server::without_port();
    for header in [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"a"}"#,
        r#"{"alg":"HS256","jwk":{"k":1,"k":1}}"#,
    ] {
        assert_refused(&server.send(&get(PATH).bearing(&sign(header, &valid()))), &[]);
    }
    for payload in [
        r#"{"sub":"alice","sub":"alice","exp":4102444800}"#,
        r#"{"sub":"bob","sub":"alice","exp":4102444800}"#,
        r#"{"sub":"alice","exp":4102444800,"exp":1}"#,
        r#"{"sub":"alice","exp":1,"exp":4102444800}"#,
        r#"{"sub":"alice","s\u0075b":"alice","exp":4102444800}"#,
        r#"{"sub":"alice","exp":4102444800,"x":1,"x":1}"#,
        r#"{"sub":"alice","exp":4102444800,"user":{"id":1,"id":1}}"#,
    ] {
        assert_refused(&server.send(&get(PATH).bearing(&sign(HEADER, payload))), &[]);
    }
}

#[test]
fn huge_tokens_are_judged_like_others() {
    let working = Server::working();
    let without_port = Server::without_port();
    for length in [1_000, 10_000, 60_000] {
        let big = claims(&json!({ "x": "y".repeat(length) }));
        working.send(&get(PATH).bearing(&sign(HEADER, &big))).assert_status(200);
        for garbage in
            ["A".repeat(length), ".".repeat(length), format!("{}.{}.{}", "A".repeat(length), "B", "C")]
        {
            assert_refused(&without_port.send(&get(PATH).bearing(&garbage)), &[]);
        }
    }
    assert_refused(&without_port.send(&get(PATH).bearing(&"A".repeat(100_000))), &[]);
}
