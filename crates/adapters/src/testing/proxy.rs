use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use super::url;
use crate::postgres::database::Database;

/// How a message begins that carries a query.
const QUERY: u8 = b'Q';

/// A way to the database that a test can block: what a pool sees of a server or a network that fails.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    database: Database,
    state: watch::Sender<State>,
    swallowed_queries: Arc<AtomicUsize>,
    acceptor: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    door: Door,
    /// How many connections have been made so far: each has its number.
    made: u64,
    /// Connections up to this number are open and carry nothing any more.
    silenced: u64,
    /// Connections up to this number are closed.
    cut: u64,
}

/// What happens to a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Open,
    Silent,
    Shut,
}

impl Proxy {
    pub(super) async fn new(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (url, upstream) = url::detour(url, &listener.local_addr().unwrap().to_string());
        let state = watch::Sender::new(State { door: Door::Open, made: 0, silenced: 0, cut: 0 });
        let swallowed_queries = Arc::default();
        let acceptor =
            tokio::spawn(accept(listener, upstream, state.clone(), Arc::clone(&swallowed_queries)));
        Self { database: Database::parse(&url).unwrap(), url, state, swallowed_queries, acceptor }
    }

    /// The URL of the database by this way.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database by this way.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// How many queries have come on connections that carry nothing any more.
    #[must_use]
    pub fn swallowed_queries(&self) -> usize {
        self.swallowed_queries.load(Ordering::Relaxed)
    }

    /// Lets new connections pass, as at first.
    pub fn open(&self) {
        self.state.send_modify(|state| state.door = Door::Open);
    }

    /// Closes every connection and each new one: the server has stopped.
    pub fn refuse(&self) {
        self.state.send_modify(|state| (state.door, state.cut) = (Door::Shut, state.made));
    }

    /// Takes connections and answers nothing, on the present ones neither: a network that swallows everything.
    pub fn swallow(&self) {
        self.state.send_modify(|state| (state.door, state.silenced) = (Door::Silent, state.made));
    }

    /// Carries nothing on the present connections without closing them: a firewall that has forgotten them.
    pub fn forget(&self) {
        self.state.send_modify(|state| state.silenced = state.made);
    }

    /// Closes the present connections.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cut = state.made);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
        self.refuse();
    }
}

async fn accept(
    listener: TcpListener,
    upstream: String,
    state: watch::Sender<State>,
    swallowed_queries: Arc<AtomicUsize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        state.send_modify(|state| {
            state.made += 1;
            match state.door {
                Door::Open => {}
                Door::Silent => state.silenced = state.made,
                Door::Shut => state.cut = state.made,
            }
        });
        let number = state.borrow().made;
        let (upstream, swallowed_queries) = (upstream.clone(), Arc::clone(&swallowed_queries));
        tokio::spawn(carry(client, upstream, number, state.subscribe(), swallowed_queries));
    }
}

/// Carries one connection until it ends or is cut.
async fn carry(
    mut client: TcpStream,
    upstream: String,
    number: u64,
    state: watch::Receiver<State>,
    swallowed_queries: Arc<AtomicUsize>,
) {
    let flow = async {
        let Ok(mut server) = TcpStream::connect(upstream).await else { return };
        tokio::select! {
            biased;
            // Nothing comes through any more; only an end of the client ends it, so that no process of the server is left.
            () = reached(state.clone(), |state| number <= state.silenced) => {}
            _ = copy_bidirectional(&mut client, &mut server) => return,
        }
        let mut swallowed = [0; 1024];
        while let Ok(length @ 1..) = client.read(&mut swallowed).await {
            swallowed_queries.fetch_add(queries(&swallowed[..length]), Ordering::Relaxed);
        }
    };
    tokio::select! {
        biased;
        () = reached(state.clone(), |state| number <= state.cut) => {}
        () = flow => {}
    }
}

/// How many of these messages carry a query. A client may have others to send before it, in the same packet.
fn queries(mut messages: &[u8]) -> usize {
    let mut found = 0;
    while let [kind, a, b, c, d, ..] = *messages {
        found += usize::from(kind == QUERY);
        let length = u32::from_be_bytes([a, b, c, d]) as usize + 1;
        messages = messages.get(length..).unwrap_or_default();
    }
    found
}

/// Ends as soon as `condition` holds.
async fn reached(mut state: watch::Receiver<State>, condition: impl Fn(&State) -> bool) {
    // The sender goes with the proxy, and its connections with it.
    let _ = state.wait_for(condition).await;
}
