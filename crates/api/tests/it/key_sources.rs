//! Places that publish keys and misbehave: before there ever was a good key set, and after.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;
use task_adapters::testing::HUNG;
use tokio::sync::oneshot;

use crate::helpers::{
    SECRET, Stack, get,
    issuer::{ISSUER, KEYS, Signer, key_set, usual_key_set},
    key_server::{KeyServer, answer},
    program::{NOWHERE, Program},
    servers::start,
    until,
};

const PATH: &str = "/api/whoami";
/// How long the service waits for a fetch.
const FETCH_LIMIT: Duration = Duration::from_secs(5);
/// How often, at the most, an unknown key makes the service fetch the set.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// The service with the keys of that server, over a database that is not there.
fn service(keys: &KeyServer) -> (SocketAddr, oneshot::Sender<()>) {
    let variables = [
        ("BETTER_AUTH_SECRET", ""),
        ("AUTH_JWKS_URL", &keys.url()),
        ("AUTH_ISSUER", ISSUER),
        ("AUTH_AUDIENCE", ISSUER),
    ];
    start(NOWHERE, &variables)
}

fn status(address: SocketAddr, token: &str) -> u16 {
    get(PATH).bearing(token).send(address).status
}

type Misbehaviour = fn(&mut TcpStream) -> std::io::Result<()>;

/// What a place may do instead of publishing keys.
fn misbehaviours() -> Vec<(&'static str, Misbehaviour)> {
    vec![
        ("500", |stream| stream.write_all(&answer("500 Internal Server Error", &usual_key_set()))),
        ("404", |stream| stream.write_all(&answer("404 Not Found", "{}"))),
        ("201 with keys", |stream| stream.write_all(&answer("201 Created", &usual_key_set()))),
        ("a page", |stream| stream.write_all(&answer("200 OK", "<!doctype html><title>Sign in</title>"))),
        ("nothing", |stream| stream.write_all(&answer("200 OK", ""))),
        ("no keys", |stream| stream.write_all(&answer("200 OK", &key_set(&[])))),
        ("keys of no use", |stream| {
            stream.write_all(&answer("200 OK", &key_set(&[json!({"kty": "oct", "k": "c2VjcmV0"})])))
        }),
        ("deep nesting", |stream| stream.write_all(&answer("200 OK", &"[".repeat(200_000)))),
        ("members twice", |stream| stream.write_all(&answer("200 OK", r#"{"keys":[],"keys":[]}"#))),
        ("no HTTP", |stream| stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")),
        ("an answer that breaks off", |stream| {
            let whole = answer("200 OK", &usual_key_set());
            stream.write_all(&whole[..whole.len() / 2])
        }),
        ("a wrong length", |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")?;
            stream.write_all(usual_key_set().as_bytes())
        }),
        ("a head without end", |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
            (0..100).try_for_each(|_| stream.write_all(&[b'x'; 100_000]))
        }),
    ]
}

#[test]
fn until_there_is_a_good_set_a_token_gets_503_and_then_the_good_set_stays() {
    // All at the same time: each waits for the next fetch of its service.
    thread::scope(|scope| {
        for (name, misbehaviour) in misbehaviours() {
            scope.spawn(move || assert_heals_and_stays(name, misbehaviour));
        }
    });
}

fn assert_heals_and_stays(name: &str, misbehaviour: Misbehaviour) {
    let key = &KEYS[0];
    let keys = KeyServer::behaving(misbehaviour);
    let (address, _stop) = service(&keys);
    until("a fetch", || keys.requests() > 0);
    thread::sleep(Duration::from_millis(100));
    let answer = get(PATH).bearing(&key.valid()).send(address);
    answer.assert_error(503, "unavailable");
    assert_eq!(answer.header("retry-after"), Some("1"), "{name}");
    assert_eq!(status(address, "x.y.z"), 401, "{name}: what is no token needs no key");
    keys.publish(&usual_key_set());
    until(name, || status(address, &key.valid()) == 200);
    keys.behave(misbehaviour);
    assert_eq!(status(address, &Signer::new(key.algorithm, "unknown").valid()), 401, "{name}");
    assert_eq!(status(address, &key.valid()), 200, "{name}: the good set stays");
}

#[test]
fn ten_megabytes_are_not_read_to_their_end() {
    let written = Arc::new(AtomicUsize::new(0));
    let keys = KeyServer::behaving({
        let written = Arc::clone(&written);
        move |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"keys\":[")?;
            for _ in 0..1_000 {
                stream.write_all(&[b' '; 10_000])?;
                written.fetch_add(10_000, Ordering::SeqCst);
            }
            Ok(())
        }
    });
    let (address, _stop) = service(&keys);
    until("a fetch", || written.load(Ordering::SeqCst) > 0);
    thread::sleep(Duration::from_millis(500));
    assert_eq!(status(address, &KEYS[0].valid()), 503);
    let (fetches, written) = (keys.requests(), written.load(Ordering::SeqCst));
    assert!(written < fetches * 8_000_000, "{written} bytes in {fetches} fetches");
}

#[test]
fn a_redirect_is_not_followed() {
    let target = KeyServer::publishing(&usual_key_set());
    thread::scope(|scope| {
        for code in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
        {
            let location = target.url();
            scope.spawn(move || {
                let keys = KeyServer::behaving(move |stream| {
                    write!(stream, "HTTP/1.1 {code}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
                });
                let (address, _stop) = service(&keys);
                until("two fetches", || keys.requests() > 1);
                assert_eq!(status(address, &KEYS[0].valid()), 503, "{code}");
            });
        }
    });
    assert_eq!(target.requests(), 0);
}

#[test]
fn a_place_that_hangs_holds_up_neither_other_requests_nor_start_nor_end() {
    const ROUNDS: u32 = 20;
    let keys = KeyServer::behaving(|_| {
        thread::sleep(HUNG);
        Ok(())
    });
    let since = Instant::now();
    let program = Program::start(&[
        ("DATABASE_URL", NOWHERE),
        ("AUTH_JWKS_URL", &keys.url()),
        ("BETTER_AUTH_SECRET", SECRET),
    ]);
    until("a fetch", || keys.requests() > 0);
    // If each of them waited for a fetch, all together would take much longer than on any machine.
    for _ in 0..ROUNDS {
        get("/health").send(program.address).health();
        let by_secret = get(PATH).bearing(&Signer::secret().valid()).send(program.address);
        assert_eq!(by_secret.who_am_i().algorithm, "HS256");
        get(PATH).bearing(&KEYS[0].valid()).send(program.address).assert_error(503, "unavailable");
    }
    program.signal(Signal::TERM);
    assert!(program.wait().0.success());
    assert!(since.elapsed() < FETCH_LIMIT * ROUNDS, "{:?}", since.elapsed());
}

#[test]
fn private_keys_in_a_set_are_not_used_and_the_others_are() {
    let leaked = Signer::new(KEYS[0].algorithm, "leaked");
    let mut public = leaked.public();
    public["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let keys = KeyServer::publishing(&key_set(&[public, KEYS[1].public()]));
    let (address, _stop) = service(&keys);
    until("the good key", || status(address, &KEYS[1].valid()) == 200);
    assert_eq!(status(address, &leaked.valid()), 401);
}

#[test]
fn a_thousand_forged_keys_at_once_make_one_fetch() {
    let keys = KeyServer::publishing(&usual_key_set());
    let (address, _stop) = service(&keys);
    until("the keys", || status(address, &KEYS[0].valid()) == 200);
    let (before, since) = (keys.requests(), Instant::now());
    let forged = Signer::new(KEYS[0].algorithm, "x");
    thread::scope(|scope| {
        for part in 0..10 {
            let forged = &forged;
            scope.spawn(move || {
                for number in 0..100 {
                    let kid = format!("forged {part} {number}");
                    assert_eq!(status(address, &forged.token(&json!({ "kid": kid }), &json!({}))), 401);
                }
            });
        }
    });
    // A slow machine takes longer than the time within which there is one fetch.
    let most = 1 + since.elapsed().as_secs() / COOL_DOWN.as_secs();
    assert!(
        (1..=most).contains(&((keys.requests() - before) as u64)),
        "{} fetches",
        keys.requests() - before
    );
    assert_eq!(status(address, &KEYS[0].valid()), 200);
}

#[test]
fn a_new_key_is_found_when_its_first_token_comes() {
    let keys = KeyServer::publishing(&usual_key_set());
    let (address, _stop) = service(&keys);
    until("the keys", || status(address, &KEYS[0].valid()) == 200);
    let new = Signer::new(KEYS[0].algorithm, "new");
    keys.publish(&key_set(&[KEYS[0].public(), new.public()]));
    let statuses: Vec<_> = thread::scope(|scope| {
        let asked: Vec<_> = (0..20).map(|_| scope.spawn(|| status(address, &new.valid()))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 20]);
}

#[test]
fn with_a_key_set_alone_lists_have_pages_whose_cursors_no_client_can_forge() {
    let keys = KeyServer::publishing(&usual_key_set());
    let stack = Stack::with(&[
        ("BETTER_AUTH_SECRET", ""),
        ("AUTH_JWKS_URL", &keys.url()),
        ("AUTH_ISSUER", ISSUER),
        ("AUTH_AUDIENCE", ISSUER),
    ]);
    until("the keys", || status(stack.address, &KEYS[0].valid()) == 200);
    stack.execute(
        "INSERT INTO tasks (user_id, title) SELECT 'alice', 't' || n FROM generate_series(1, 3) AS n",
    );
    let list = |query: &str| stack.send(&get(format!("/api/alice/tasks{query}")).bearing(&KEYS[0].valid()));
    let cursor = list("?limit=2").list().next_cursor.unwrap();
    assert_eq!(list(&format!("?limit=2&cursor={cursor}")).tasks().len(), 1);
    // As if the key were empty, or the secret of the tests.
    let place = cursor.split_once('.').unwrap().0;
    for key in ["", SECRET] {
        let sealed = format!("task-api cursor v2\0alice\0All\0NewestFirst\0{place}");
        let forged = crate::helpers::tokens::mac(&sealed, key, jsonwebtoken::Algorithm::HS256);
        list(&format!("?limit=2&cursor={place}.{forged}")).assert_error(400, "invalid_cursor");
    }
}
