//! A server that publishes keys, or does not, and the key pairs that it publishes.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use crate::helpers::claims;

/// Answers every request in the same way, for as long as the test runs.
pub(super) struct KeyServer(SocketAddr);

impl KeyServer {
    pub(super) fn new(status: &'static str, headers: &'static str, body: &str) -> Self {
        Self::answering(status, move || headers.to_owned(), body)
    }

    fn answering(status: &'static str, headers: impl Fn() -> String + Send + 'static, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let body = body.to_owned();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let head = BufReader::new(&stream).lines();
                head.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
                let (headers, length) = (headers(), body.len());
                let framing = format!("Content-Length: {length}\r\nConnection: close\r\n");
                let _ = write!(stream, "HTTP/1.1 {status}\r\n{framing}{headers}\r\n{body}");
            }
        });
        Self(address)
    }

    /// One that works, with that many seconds on its clock beyond ours.
    pub(super) fn with_keys(keys: &[Value], ahead: i64) -> Self {
        let headers = move || {
            let date = (Utc::now() + chrono::TimeDelta::seconds(ahead)).format("%a, %d %b %Y %H:%M:%S GMT");
            format!("Content-Type: application/json\r\nDate: {date}\r\n")
        };
        Self::answering("200 OK", headers, &json!({ "keys": keys }).to_string())
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.0)
    }

    pub(super) fn url(&self) -> String {
        format!("{}/api/auth/jwks", self.origin())
    }
}

/// A key pair of Better Auth's.
pub(super) struct Pair(EncodingKey);

impl Pair {
    pub(super) fn new() -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let document = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8v1(&random).unwrap();
        Self(EncodingKey::from_ed_der(document.as_ref()))
    }

    pub(super) fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.0, Algorithm::EdDSA).unwrap();
        jwk.common.key_id = Some("key-1".to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    pub(super) fn token(&self, issuer: &str, changes: &Value) -> String {
        let mut all = json!({ "iss": issuer, "aud": issuer });
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", encode(r#"{"alg":"EdDSA","kid":"key-1"}"#), encode(&claims(&all)));
        format!("{signed}.{}", crypto::sign(signed.as_bytes(), &self.0, Algorithm::EdDSA).unwrap())
    }
}
