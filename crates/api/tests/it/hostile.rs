//! Hostile tokens, against the service with a key set, with the shared secret, and with both: each is 401, and says why
//! without giving anything away.

mod forgeries;
mod forms;
mod misuse;

use std::net::SocketAddr;

use serde_json::json;
use tokio::sync::oneshot;

use crate::helpers::{
    Answer, SECRET, get,
    issuer::{ISSUER, KEYS, Signer, usual_key_set},
    key_server::KeyServer,
    program::{NOWHERE, Program},
    servers::start,
    tokens::assert_refused,
    until,
};

const PATH: &str = "/api/whoami";
/// The largest head of a request that is read, in bytes.
const LARGEST_HEAD: usize = 128 * 1024;

/// A token under the name of what is wrong with it.
type Named = (String, String);

/// The service in one of its modes, over a database that is not there: who am I never asks it.
struct Service {
    mode: &'static str,
    address: SocketAddr,
    _keys: KeyServer,
    _stop: oneshot::Sender<()>,
}

impl Service {
    fn new(mode: &'static str) -> Self {
        let keys = KeyServer::publishing(&usual_key_set());
        let url = keys.url();
        let of_keys = [("AUTH_JWKS_URL", url.as_str()), ("AUTH_ISSUER", ISSUER), ("AUTH_AUDIENCE", ISSUER)];
        let variables: Vec<_> = match mode {
            "secret" => Vec::new(),
            "keys" => of_keys.into_iter().chain([("BETTER_AUTH_SECRET", "")]).collect(),
            _ => of_keys.to_vec(),
        };
        let (address, stop) = start(NOWHERE, &variables);
        let service = Self { mode, address, _keys: keys, _stop: stop };
        service.wait_for_keys();
        service
    }

    /// Those who may sign for this service.
    fn signers(&self) -> Vec<&'static Signer> {
        let secret: &'static Signer = Box::leak(Box::new(Signer::secret()));
        match self.mode {
            "secret" => vec![secret],
            "keys" => KEYS.iter().collect(),
            _ => KEYS.iter().chain([secret]).collect(),
        }
    }

    fn send(&self, token: &str) -> Answer {
        get(PATH).bearing(token).send(self.address)
    }

    /// Good tokens of all signers are taken: without this, a table of refusals would prove nothing.
    fn wait_for_keys(&self) {
        for signer in self.signers() {
            until("the keys are fetched", || self.send(&signer.valid()).status != 503);
            let me = self.send(&signer.valid()).who_am_i();
            assert_eq!((me.user_id.as_str(), me.algorithm), ("alice", signer.name()));
        }
    }

    /// Sends each token and checks the refusal.
    fn refuses(&self, tokens: &[Named]) {
        for (name, token) in tokens {
            let name = format!("{name}, mode {}", self.mode);
            let outcome = get(PATH).bearing(token).try_send(self.address);
            if token.len() > LARGEST_HEAD {
                // The HTTP layer refuses it, and need not read all of it before it closes the connection.
                assert!(outcome.is_err() || outcome.is_ok_and(|answer| answer.status == 431), "{name}");
                continue;
            }
            let answer = outcome.unwrap();
            answer.check_what_holds_for_all(&get(PATH).header("Authorization", ""));
            assert_eq!(answer.status, 401, "{name}: {}", answer.text());
            assert_refused(&answer, &[token]);
        }
    }
}

const MODES: [&str; 3] = ["secret", "keys", "both"];

/// Every hostile token for a service.
fn hostile(signers: &[&Signer]) -> Vec<Named> {
    let of_each = signers.iter().flat_map(|signer| {
        let all = [forms::tokens(signer), misuse::headers(signer), misuse::claims(signer)].concat();
        all.into_iter().map(|(name, token)| (format!("{name} by {}", signer.name()), token))
    });
    of_each.chain(forgeries::tokens()).collect()
}

#[test]
fn every_hostile_token_is_refused_in_every_mode() {
    for mode in MODES {
        let service = Service::new(mode);
        let tokens = hostile(&service.signers());
        assert!(tokens.len() >= 120, "{} tokens", tokens.len());
        service.refuses(&tokens);
        // The service has taken no harm.
        service.wait_for_keys();
    }
}

#[test]
fn more_than_one_authorization_header_is_refused_whatever_they_say() {
    let service = Service::new("both");
    let good = format!("Bearer {}", KEYS[0].valid());
    for other in
        [good.clone(), "Basic eDp5".to_owned(), String::new(), format!("Bearer {}", Signer::secret().valid())]
    {
        for (first, second) in [(&good, &other), (&other, &good)] {
            let answer = get(PATH)
                .header("Authorization", first)
                .header("authorization", second)
                .send(service.address);
            assert_refused(&answer, &[&good]);
        }
    }
    for joined in [format!("{good}, {good}"), format!("{good},"), format!("{good} {good}")] {
        assert_refused(&get(PATH).header("Authorization", &joined).send(service.address), &[&good]);
    }
}

#[test]
fn a_refusal_names_the_check_that_failed() {
    let service = Service::new("both");
    let key = &KEYS[0];
    let secret = Signer::secret();
    let session = json!({"sub": null, "session": {"token": "x"}, "user": {"id": "alice"}});
    for (words, token) in [
        ("expired", key.token(&json!({}), &json!({"exp": 1}))),
        ("not valid yet", key.token(&json!({}), &json!({"nbf": 4_102_444_800_u64}))),
        ("another issuer", key.token(&json!({}), &json!({"iss": format!("{ISSUER}/")}))),
        ("another audience", key.token(&json!({}), &json!({"aud": "other"}))),
        ("not in the issuer's key set", key.token(&json!({"kid": "forged"}), &json!({}))),
        ("algorithm that is not enabled", key.token(&json!({"alg": "none"}), &json!({}))),
        ("algorithm that is not enabled", secret.token(&json!({"alg": "HS512"}), &json!({}))),
        ("no usable subject", key.token(&json!({}), &json!({"sub": null}))),
        ("no usable subject", secret.token(&json!({}), &json!({"sub": null, "userId": "alice"}))),
        ("This is a session token: send the JWT", misuse::SESSION_TOKEN.to_owned()),
        ("This is a cached session: send the JWT", secret.token(&json!({}), &session)),
        ("`crit`", key.token(&json!({"crit": ["exp"]}), &json!({}))),
        ("`typ`", key.token(&json!({"typ": "at+jwt"}), &json!({}))),
        ("signature", Signer::new(key.algorithm, key.kid.as_deref().unwrap()).valid()),
        ("numeric `exp`", key.token(&json!({}), &json!({"exp": null}))),
        ("not a well-formed", "x.y.z".to_owned()),
    ] {
        let answer = service.send(&token);
        assert!(answer.error_detail().contains(words), "{words}: {}", answer.error_detail());
        assert_refused(&answer, &[&token]);
    }
}

#[test]
fn the_algorithm_of_a_mode_that_is_not_configured_is_not_enabled() {
    let (by_secret, by_keys) = (Service::new("secret"), Service::new("keys"));
    for key in KEYS.iter() {
        assert!(by_secret.send(&key.valid()).error_detail().contains("not enabled"));
    }
    assert!(by_keys.send(&Signer::secret().valid()).error_detail().contains("not enabled"));
}

#[test]
fn nothing_secret_is_logged_at_any_level() {
    let keys = KeyServer::publishing(&usual_key_set());
    let program = Program::start(&[
        ("DATABASE_URL", NOWHERE),
        ("BETTER_AUTH_SECRET", SECRET),
        ("AUTH_JWKS_URL", &keys.url()),
        ("AUTH_ISSUER", ISSUER),
        ("AUTH_AUDIENCE", ISSUER),
        ("LOG_LEVEL", "trace"),
    ]);
    program.wait_for("a key set", |line| line.contains("a new key set is in use").then_some(()));
    let (key, secret) = (&KEYS[0], Signer::secret());
    let mut tokens = hostile(&[key, &secret]);
    tokens.extend([("good".to_owned(), key.valid()), ("good".to_owned(), secret.valid())]);
    tokens.retain(|(_, token)| token.len() < 10_000);
    for (_, token) in &tokens {
        get(PATH).bearing(token).header("X-Request-Id", "asked").send(program.address);
    }
    let lines = program.lines().join("\n");
    assert!(lines.contains("asked"));
    assert!(!lines.contains(SECRET));
    for (name, token) in &tokens {
        for part in token.split(['.', ' ', '"']).filter(|part| part.len() > 12) {
            assert!(!lines.contains(part), "{name}: {part} is in the log");
        }
    }
}
