//! docs/api.md, "Who may do what": which tokens are refused, and how.

use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::helpers::{
    Request, SECRET, Server, claims, delete, get, options, patch, post, put, request, sign, token,
    tokens::{HEADER, assert_refused, encode, mac, sign_parts, valid},
};

const PATH: &str = "/api/alice/tasks/7";

/// A token whose header says that algorithm and whose signature is a good HS256.
fn claiming(algorithm: &str) -> String {
    sign(&json!({ "alg": algorithm, "typ": "JWT" }).to_string(), &valid())
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
        patch(PATH).json("{}"),
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
fn every_route_but_the_public_ones_needs_a_token() {
    let server = Server::without_port();
    let bad = sign(HEADER, &claims(&json!({"exp": 1})));
    for path in ["/health", "/docs", "/docs/", "/docs/page.css", "/redoc", "/redoc/page.css", "/openapi.json"]
    {
        for method in ["GET", "HEAD"] {
            for asked in [
                request(method, path),
                request(method, path).bearing(&bad),
                request(method, path).by("alice"),
            ] {
                server.send(&asked).assert_status(200);
            }
        }
        // A wrong method of a public route needs no token either.
        server.send(&delete(path)).assert_error(405, "method_not_allowed");
    }
    for path in ["/docs//", "/docs/nothing", "/docs/a/b", "/redoc/x/", "/redoc/..%2f..%2fetc%2fpasswd"] {
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
fn a_valid_token_of_another_user_is_forbidden_on_every_route_and_method() {
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
