//! Who is connected, and who has been for too long.
//!
//! actix-web ends a connection on which the first head does not arrive in time, and one that is idle. Once there was an
//! answer, one byte of a next head is enough for it to wait without end; and for one that reads nothing of its answer it
//! waits as well. Whoever does so is let go of here (ADR 0022).

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    net::{Shutdown, TcpStream},
    os::fd::AsFd as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::rt::net;

/// All clients that are connected.
#[derive(Clone, Debug)]
pub(crate) struct Clients(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// For how long a client may do nothing that counts.
    patience: Duration,
    clock: Clock,
    next: AtomicU64,
    all: Mutex<HashMap<u64, Arc<State>>>,
}

/// The time since a moment that is always the same.
struct Clock(Box<dyn Fn() -> Duration + Send + Sync>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&(self.0)()).finish()
    }
}

/// What is known of a connection.
#[derive(Debug)]
struct State {
    /// The same socket once more, by which it can be ended from here; nothing where no descriptor was left for it.
    socket: Option<TcpStream>,
    /// How many of its requests are being answered.
    busy: AtomicUsize,
    /// When it last did something that counts: it came, was answered, or took more of an answer. In milliseconds since the
    /// start.
    last: AtomicU64,
}

/// A client that is connected, for as long as this lives.
pub(crate) struct Client {
    clients: Clients,
    id: u64,
    state: Arc<State>,
}

/// A request that is being answered, for as long as this lives. The client may take its time then: the service does.
pub(crate) struct Busy(Moves);

/// Tells that a client does something that counts.
#[derive(Clone)]
pub(crate) struct Moves {
    clients: Clients,
    state: Arc<State>,
}

impl Clients {
    /// Nobody is connected. Whoever does nothing that counts for that long is let go of.
    pub(crate) fn new(patience: Duration) -> Self {
        let start = Instant::now();
        Self::with_clock(patience, move || start.elapsed())
    }

    /// The same by another clock.
    pub(crate) fn with_clock(
        patience: Duration,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        let (clock, next) = (Clock(Box::new(clock)), AtomicU64::new(0));
        Self(Arc::new(Inner { patience, clock, next, all: Mutex::default() }))
    }

    /// A client has come on that connection, which is actix's.
    pub(crate) fn enter(&self, connection: &dyn Any) -> Client {
        let socket = connection.downcast_ref::<net::TcpStream>();
        let socket = socket.and_then(|socket| socket.as_fd().try_clone_to_owned().ok()).map(TcpStream::from);
        let last = AtomicU64::new(self.now());
        let state = Arc::new(State { socket, busy: AtomicUsize::new(0), last });
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.all().insert(id, Arc::clone(&state));
        Client { clients: self.clone(), id, state }
    }

    /// How many are connected.
    pub(crate) fn number(&self) -> usize {
        self.all().len()
    }

    /// Ends the connections of those who have done nothing that counts for too long, and says how many these were.
    pub(crate) fn let_go(&self) -> usize {
        let patience = u64::try_from(self.0.patience.as_millis()).unwrap_or(u64::MAX);
        let long_ago = self.now().saturating_sub(patience);
        let over = |state: &&Arc<State>| {
            state.busy.load(Ordering::Relaxed) == 0 && state.last.load(Ordering::Relaxed) < long_ago
        };
        let sockets: Vec<_> = self.all().values().filter(over).cloned().collect();
        // actix-web reads the end of the connection then, and does the rest.
        sockets
            .iter()
            .filter_map(|state| state.socket.as_ref())
            .filter(|socket| socket.shutdown(Shutdown::Both).is_ok())
            .count()
    }

    fn now(&self) -> u64 {
        u64::try_from((self.0.clock.0)().as_millis()).unwrap_or(u64::MAX)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<u64, Arc<State>>> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// One of its requests is being answered.
    pub(crate) fn begin(&self) -> Busy {
        self.state.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Moves { clients: self.clients.clone(), state: Arc::clone(&self.state) })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.clients.all().remove(&self.id);
    }
}

impl Busy {
    /// Who tells that the client takes more of the answer.
    pub(crate) fn moves(&self) -> Moves {
        self.0.clone()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // In this order, so that nobody sees an idle client with an old time.
        self.0.tell();
        self.0.state.busy.fetch_sub(1, Ordering::Release);
    }
}

impl Moves {
    /// It does something now.
    pub(crate) fn tell(&self) {
        self.state.last.store(self.clients.now(), Ordering::Relaxed);
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A clock that stands still until a test moves it.
    #[derive(Clone, Default)]
    pub(crate) struct MovedClock(Arc<AtomicU64>);

    impl MovedClock {
        pub(crate) fn advance(&self, by: Duration) {
            self.0.fetch_add(u64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
        }

        pub(crate) fn now(&self) -> Duration {
            Duration::from_micros(self.0.load(Ordering::SeqCst))
        }
    }

    impl Clients {
        pub(crate) fn by(clock: &MovedClock, patience: Duration) -> Self {
            let clock = clock.clone();
            Self::with_clock(patience, move || clock.now())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use task_adapters::testing::HUNG;

    use super::{testing::MovedClock, *};

    const PATIENCE: Duration = Duration::from_secs(80);
    const A_LITTLE: Duration = Duration::from_millis(1);

    /// A connection: the client's end, and the service's.
    async fn connection() -> (TcpStream, net::TcpStream) {
        let listener = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(HUNG)).unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    #[actix_web::test]
    async fn a_client_that_does_nothing_for_too_long_is_disconnected_and_no_other() {
        let clock = MovedClock::default();
        let clients = Clients::by(&clock, PATIENCE);
        let (mut idle, server) = connection().await;
        let (_busy, other) = connection().await;
        let (of_idle, of_busy) = (clients.enter(&server), clients.enter(&other));
        assert_eq!((clients.number(), clients.let_go()), (2, 0));
        let answering = of_busy.begin();
        clock.advance(PATIENCE + A_LITTLE);
        assert_eq!(clients.let_go(), 1, "the one that is answered may wait");
        assert_eq!(idle.read(&mut [0]).unwrap(), 0, "the connection has ended");
        // Its time begins when it has been answered, and anew with each part that it takes.
        let moves = answering.moves();
        drop((answering, of_idle));
        assert_eq!((clients.number(), clients.let_go()), (1, 0));
        clock.advance(PATIENCE + A_LITTLE);
        moves.tell();
        assert_eq!(clients.let_go(), 0);
        drop(of_busy);
        assert_eq!(clients.number(), 0);
    }

    #[test]
    fn a_connection_that_is_not_of_actix_is_counted_and_cannot_be_ended() {
        let clock = MovedClock::default();
        let clients = Clients::by(&clock, PATIENCE);
        let _client = clients.enter(&"something else");
        clock.advance(PATIENCE + A_LITTLE);
        assert_eq!((clients.number(), clients.let_go()), (1, 0));
    }
}
