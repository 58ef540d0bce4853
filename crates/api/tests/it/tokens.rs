//! Contract, "Who may do what": which tokens are refused, and how.

use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::helpers::{
    Answer, Request, SECRET, Server, claims, delete, get, options, patch, post, put, request, sign, token,
    tokens::{HEADER, encode, mac, sign_parts},
};

const PATH: &str = "/api/alice/tasks/7";

/// Checks a 401 to a request that carried an `Authorization` header, of which `secret_parts` must not be repeated.
#[track_caller]
fn assert_refused(answer: &Answer, secret_parts: &[&str]) {
    answer.assert_error(401, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
    let all = format!("{:?} {}", answer.headers, answer.text());
    for part in secret_parts.iter().flat_map(|part| part.split(['.', ' '])).filter(|part| part.len() > 6) {
        assert!(!all.contains(part), "{part} is repeated: {all}");
    }
}

fn valid() -> String {
    claims(&json!({}))
}

/// A token whose header says that algorithm and whose signature is a good HS256.
fn claiming(algorithm: &str) -> String {
    sign(&json!({ "alg": algorithm, "typ": "JWT" }).to_string(), &valid())
}

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
fn a_token_that_another_program_made_is_taken() {
    // Made with Python's `hmac` and `base64`: sub alice, valid until 2100.
    let made_elsewhere = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
        eyJzdWIiOiJhbGljZSIsImlhdCI6MTc2NzMyMjgwMCwiZXhwIjo0MTAyNDQ0ODAwfQ.\
        fSKViUw97OIrDnYYkoh5IOrESxyDS5H3U7W0OPPtyb8";
    Server::working().send(&get(PATH).bearing(made_elsewhere)).assert_status(200);
}

#[test]
fn the_scheme_may_be_written_in_any_case() {
    let server = Server::working();
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let answer = server.send(&get(PATH).header("Authorization", format!("{scheme} {}", token("alice"))));
        answer.assert_status(200);
    }
}

#[test]
fn without_a_header_the_challenge_names_the_scheme_and_nothing_else() {
    let server = Server::without_port();
    for request in [
        get(PATH),
        get("/api/alice/tasks"),
        post("/api/alice/tasks").json(r#"{"title":"t"}"#),
        put(PATH).json(r#"{"title":"t"}"#),
        delete(PATH),
        patch(format!("{PATH}/complete")),
        // A method or a route that is not there changes nothing.
        post(PATH),
        options(PATH),
        get("/nowhere"),
        get("/"),
        // Nor does a token anywhere else.
        get(format!("{PATH}?access_token={}", token("alice"))),
        get(format!("{PATH}?token={}", token("alice"))),
        get(PATH).header("Cookie", format!("better-auth.session_token={0}; token={0}", token("alice"))),
        get(PATH).header("X-Authorization", format!("Bearer {}", token("alice"))),
        get(PATH).header("Proxy-Authorization", format!("Bearer {}", token("alice"))),
        post("/api/alice/tasks")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("access_token=x"),
    ] {
        let answer = server.send(&request);
        answer.assert_error(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{request:?}");
    }
}

#[test]
fn whatever_is_not_bearer_one_space_and_a_token_is_refused() {
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
fn no_other_algorithm_than_hs256_is_taken_whatever_the_token_says() {
    let server = Server::without_port();
    let mut tokens = Vec::new();
    for none in ["none", "None", "NONE", "nOnE", "NoNe", ""] {
        let header = encode(json!({ "alg": none }).to_string());
        let payload = encode(valid());
        tokens.push(format!("{header}.{payload}."));
        tokens.push(format!("{header}.{payload}"));
        tokens.push(sign_parts(&header, &payload));
    }
    for other in [
        "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", "hs256", "HS256 ", " HS256", "HMAC", "dir",
        "A256GCM",
    ] {
        tokens.push(claiming(other));
    }
    // With a signature that is good for the algorithm that the token claims.
    for (name, algorithm) in
        [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512), ("HS256", Algorithm::HS512)]
    {
        let signed = format!("{}.{}", encode(json!({ "alg": name }).to_string()), encode(valid()));
        tokens.push(format!("{signed}.{}", mac(&signed, SECRET, algorithm)));
    }
    // Without an algorithm, or with one that is no string.
    for header in [
        r#"{"typ":"JWT"}"#,
        "{}",
        r#"{"alg":null}"#,
        r#"{"alg":256}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":{"name":"HS256"}}"#,
        r#"{"ALG":"HS256"}"#,
        r#"{"enc":"HS256"}"#,
    ] {
        tokens.push(sign(header, &valid()));
    }
    assert!(tokens.len() > 35);
    for token in &tokens {
        assert_refused(&server.send(&get(PATH).bearing(token)), &[token]);
    }
}

#[test]
fn a_signature_that_is_not_ours_is_refused() {
    let server = Server::without_port();
    let signed = format!("{}.{}", encode(HEADER), encode(valid()));
    let of = |secret: &str| mac(&signed, secret, Algorithm::HS256);
    let good = of(SECRET);
    let bobs = token("bob");
    for signature in [
        String::new(),
        of("another secret, also of more than 32 bytes"),
        of(""),
        of(&SECRET[..SECRET.len() - 1]),
        of(&format!("{SECRET}\n")),
        of(&encode(SECRET)),
        good[..good.len() - 1].to_owned(),
        good[..20].to_owned(),
        format!("{good}A"),
        format!("{good}AAAA"),
        good.to_ascii_lowercase(),
        good.chars().rev().collect(),
        bobs.rsplit('.').next().unwrap().to_owned(),
        "A".repeat(43),
    ] {
        let token = format!("{signed}.{signature}");
        assert_refused(&server.send(&get(PATH).bearing(&token)), &[&token]);
    }
    // The signature covers header and claims as they were sent.
    let other_claims =
        format!("{}.{}.{good}", encode(HEADER), encode(claims(&json!({"sub": "alice", "x": 1}))));
    let other_header = format!("{}.{}.{good}", encode(r#"{"typ":"JWT","alg":"HS256"}"#), encode(valid()));
    for token in [other_claims, other_header] {
        assert_refused(&server.send(&get(PATH).bearing(&token)), &[&token]);
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
fn everything_else_in_header_and_claims_is_ignored() {
    let server = Server::working();
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"HS256","typ":7,"kid":null,"cty":"x","b64":false}"#,
        r#"{"alg":"HS256","kid":"../../etc/passwd","jku":"http://169.254.169.254/","x5u":"file:///etc/passwd"}"#,
        r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}"#,
        " {\t\"alg\" : \"\\u0048S256\" }\n",
    ] {
        server.send(&get(PATH).bearing(&sign(header, &valid()))).assert_status(200);
    }
    for changes in [
        json!({"iat": null}),
        json!({"iat": 4_102_444_800_u64}),
        json!({"iat": "yesterday"}),
        json!({"jti": 1, "typ": "refresh", "scope": "none", "admin": true, "azp": {}}),
        json!({"iss": "https://elsewhere.example", "aud": ["a", "b"]}),
        json!({"iss": 1, "aud": {}}),
        json!({"name": "\u{0}\u{202e}", "user": {"id": "bob"}, "x": [[[[1e308]]]]}),
    ] {
        server.send(&get(PATH).bearing(&sign(HEADER, &claims(&changes)))).assert_status(200);
    }
}

#[test]
fn the_tokens_that_better_auth_signs_with_the_same_secret_for_other_ends_are_refused() {
    let server = Server::without_port();
    let session = json!({
        "sub": null,
        "session": {"session": {"userId": "alice", "token": "t"}, "user": {"id": "alice"}, "updatedAt": 1, "version": "1"},
    });
    let flat_session = json!({
        "sub": null,
        "session": {"id": "s", "userId": "alice", "token": "t"},
        "user": {"id": "alice", "email": "alice@example.com"},
    });
    let verification = json!({"sub": null, "email": "alice@example.com"});
    let change = json!({"sub": null, "email": "alice@example.com", "updateTo": "alice@other.example"});
    for changes in [session, flat_session, verification, change] {
        let token = sign(HEADER, &claims(&changes));
        for user in ["alice", "alice%40example.com", "null", "undefined"] {
            let answer = server.send(&get(format!("/api/{user}/tasks")).bearing(&token));
            assert_refused(&answer, &[&token, "alice@example.com"]);
        }
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

#[test]
fn every_route_but_the_public_ones_needs_a_token() {
    let server = Server::without_port();
    let bad = sign(HEADER, &claims(&json!({"exp": 1})));
    for path in ["/health", "/docs", "/docs/page.css", "/redoc", "/redoc/page.css", "/openapi.json"] {
        for method in ["GET", "HEAD"] {
            for asked in [
                request(method, path),
                request(method, path).bearing(&bad),
                request(method, path).by("alice"),
            ] {
                server.send(&asked).assert_status(200);
            }
        }
        // A wrong method of a public route is told to everybody, too.
        server.send(&delete(path)).assert_error(405, "method_not_allowed");
    }
    for path in ["/docs/", "/docs/nothing", "/docs/a/b", "/redoc/", "/redoc/..%2f..%2fetc%2fpasswd"] {
        server.send(&get(path)).assert_error(404, "not_found");
    }
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
        for path in
            ["/api/alice/tasks", PATH, "/api/alice/tasks/7/complete", "/api/alice", "/", "/healthy", "/docsy"]
        {
            let answers =
                [request(method, path), request(method, path).bearing(&bad)].map(|asked| server.send(&asked));
            assert_eq!(answers.map(|answer| answer.status), [401, 401], "{method} {path}");
        }
    }
}

#[test]
fn a_valid_token_of_somebody_else_is_forbidden_on_every_route_and_method() {
    let server = Server::without_port();
    for path in ["/api/alice/tasks", PATH, "/api/alice/tasks/x", "/api/alice/tasks/7/complete"] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            let asked: Request = request(method, path).by("bob");
            let answer = server.send(&asked);
            answer.assert_status(403);
            assert_eq!(answer.header("www-authenticate"), None);
            if method != "HEAD" {
                answer.assert_error(403, "forbidden");
            }
        }
    }
}
