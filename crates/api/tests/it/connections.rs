//! `CLIENT_CONNECTIONS_MAX`, and what happens if more clients come than may be connected.

use std::{net::SocketAddr, process::Command, thread, time::Duration};

use crate::helpers::{
    SECRET,
    client::Connection,
    get, post,
    program::{NOWHERE, PROGRAM, Program},
    servers::{database, runtime},
};

/// Time enough for the program to serve one client too many. On a slow machine it would not be noticed; nothing fails.
const MOMENT: Duration = Duration::from_millis(500);

/// A connection that is served, as the answer to its first request shows.
fn served(address: SocketAddr) -> Connection {
    let mut connection = Connection::open(address);
    connection.write(&get("/health/live").to_bytes());
    connection.read("GET").assert_status(200);
    connection
}

#[test]
fn more_clients_than_may_be_connected_wait_until_one_goes() {
    let program = Program::start(&[
        ("DATABASE_URL", NOWHERE),
        ("BETTER_AUTH_SECRET", SECRET),
        ("WORKERS", "2"),
        ("CLIENT_CONNECTIONS_MAX", "6"),
    ]);
    let mut clients: Vec<_> = (0..6).map(|_| served(program.address)).collect();
    let address = program.address;
    let waiting = thread::spawn(move || drop(served(address)));
    thread::sleep(MOMENT);
    assert!(!waiting.is_finished(), "a seventh client is served");
    // The connected clients are served all the while.
    for client in &mut clients {
        client.write(&get("/health/live").to_bytes());
        client.read("GET").assert_status(200);
    }
    clients.pop();
    waiting.join().unwrap();
}

#[test]
fn a_crowd_that_takes_every_file_that_may_be_open_leaves_the_database_within_reach() {
    let runtime = runtime();
    let database = runtime.block_on(database());
    let few = "ulimit -Sn 100 && ulimit -Hn 200 && exec \"$@\"";
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", few, "sh", PROGRAM]);
    let program = Program::start_by(
        limited,
        &[("DATABASE_URL", database.url()), ("BETTER_AUTH_SECRET", SECRET), ("DATABASE_POOL_SIZE", "1")],
    );
    // The limit is raised as far as may be: a hundred would leave nothing for any client.
    let told = program.wait_for("how many clients there may be", |line| {
        line.contains("fewer connections are taken than CLIENT_CONNECTIONS_MAX allows")
            .then(|| line.to_owned())
    });
    assert!(told.contains("open_files=200") && told.contains("connections=44"), "{told}");
    let mut first = served(program.address);
    let crowd: Vec<_> = (0..100).map(|_| Connection::open(program.address)).collect();
    thread::sleep(MOMENT);
    first.write(&post("/api/alice/tasks").by("alice").json(r#"{"title":"still here"}"#).to_bytes());
    first.read("POST").assert_status(201);
    drop(crowd);
    get("/api/alice/tasks").by("alice").send(program.address).assert_status(200);
}
