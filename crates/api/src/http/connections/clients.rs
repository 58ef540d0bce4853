//! Which clients are connected, and which of them are stalled.
//!
//! actix-web closes a connection on which the first head does not arrive in time, and an idle one. After the first answer
//! it waits without end for the rest of a next head of which one byte has arrived, and for a client that reads nothing of
//! its answer. Such stalled connections are closed from here (ADR 0022).

use std::{
    any::Any,
    collections::HashMap,
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
#[derive(Clone)]
pub(crate) struct Clients(Arc<Inner>);

struct Inner {
    /// How long a client may make no progress.
    stall_timeout: Duration,
    /// The time since a fixed moment.
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
    next_id: AtomicU64,
    all: Mutex<HashMap<u64, Arc<State>>>,
}

/// The state of a connection.
struct State {
    /// A duplicate of the socket that can shut it down; `None` if no descriptor was left.
    socket: Option<TcpStream>,
    /// How many of the client's requests are being answered.
    in_flight: AtomicUsize,
    /// When the client last made progress: it connected, was answered, or took more of an answer. In milliseconds of the
    /// clock.
    last_progress: AtomicU64,
}

/// A connected client. Dropping it takes the client off the list.
pub(crate) struct Client {
    clients: Clients,
    id: u64,
    state: Arc<State>,
}

/// A request that is being answered. Meanwhile the client counts as active: it waits for the service.
pub(crate) struct InFlight(Progress);

/// Records that a client makes progress.
#[derive(Clone)]
pub(crate) struct Progress {
    clients: Clients,
    state: Arc<State>,
}

impl Clients {
    /// No client is connected yet. One that makes no progress for longer than `stall_timeout` counts as stalled.
    pub(crate) fn new(stall_timeout: Duration) -> Self {
        let start = Instant::now();
        Self::with_clock(stall_timeout, move || start.elapsed())
    }

    pub(crate) fn with_clock(
        stall_timeout: Duration,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            stall_timeout,
            clock: Box::new(clock),
            next_id: AtomicU64::new(0),
            all: Mutex::default(),
        }))
    }

    /// Adds the client of a connection, which actix-web passes as `dyn Any`.
    pub(crate) fn connect(&self, connection: &dyn Any) -> Client {
        let socket = connection.downcast_ref::<net::TcpStream>();
        let socket = socket.and_then(|socket| socket.as_fd().try_clone_to_owned().ok()).map(TcpStream::from);
        let last_progress = AtomicU64::new(self.now());
        let state = Arc::new(State { socket, in_flight: AtomicUsize::new(0), last_progress });
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        self.all().insert(id, Arc::clone(&state));
        Client { clients: self.clone(), id, state }
    }

    /// How many clients are connected.
    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }

    /// Closes the connections of stalled clients. Returns how many it closed.
    pub(crate) fn close_stalled(&self) -> usize {
        let oldest = self.now().saturating_sub(millis(self.0.stall_timeout));
        let is_stalled = |state: &&Arc<State>| {
            state.in_flight.load(Ordering::Relaxed) == 0
                && state.last_progress.load(Ordering::Relaxed) < oldest
        };
        let stalled: Vec<_> = self.all().values().filter(is_stalled).cloned().collect();
        // actix-web then reads the end of the connection, and drops it.
        stalled
            .iter()
            .filter_map(|state| state.socket.as_ref())
            .filter(|socket| socket.shutdown(Shutdown::Both).is_ok())
            .count()
    }

    fn now(&self) -> u64 {
        millis((self.0.clock)())
    }

    fn all(&self) -> MutexGuard<'_, HashMap<u64, Arc<State>>> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Client {
    /// Marks one of the client's requests as being answered.
    pub(crate) fn begin(&self) -> InFlight {
        self.state.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Progress { clients: self.clients.clone(), state: Arc::clone(&self.state) })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.clients.all().remove(&self.id);
    }
}

impl InFlight {
    /// Records the client's progress while it reads the answer.
    pub(crate) fn progress(&self) -> Progress {
        self.0.clone()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        // In this order: an idle client must not be seen with the old time.
        self.0.record();
        self.0.state.in_flight.fetch_sub(1, Ordering::Release);
    }
}

impl Progress {
    /// The client makes progress now.
    pub(crate) fn record(&self) {
        self.state.last_progress.store(self.clients.now(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    const STALL_TIMEOUT: Duration = Duration::from_secs(80);

    /// No client, and the milliseconds that the clock shows.
    fn clients() -> (Clients, Arc<AtomicU64>) {
        let time = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&time);
        let clients =
            Clients::with_clock(STALL_TIMEOUT, move || Duration::from_millis(clock.load(Ordering::Relaxed)));
        (clients, time)
    }

    /// Lets more than the timeout pass.
    fn pass(time: &AtomicU64) {
        time.fetch_add(millis(STALL_TIMEOUT) + 1, Ordering::Relaxed);
    }

    /// Both ends of a connection: the client's and the service's.
    async fn connection() -> (TcpStream, net::TcpStream) {
        let listener = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_stalled_client_is_disconnected_and_no_other() {
        let (clients, time) = clients();
        let (mut stalled_end, stalled_connection) = connection().await;
        let (_active_end, active_connection) = connection().await;
        let (stalled, active) = (clients.connect(&stalled_connection), clients.connect(&active_connection));
        assert_eq!((clients.count(), clients.close_stalled()), (2, 0));
        let request = active.begin();
        pass(&time);
        assert_eq!(clients.close_stalled(), 1, "a client that waits for its answer is not stalled");
        assert_eq!(stalled_end.read(&mut [0]).unwrap(), 0, "the connection is closed");
        // The timeout begins when the request has been answered, and again with each chunk that the client takes.
        let progress = request.progress();
        drop((request, stalled));
        assert_eq!((clients.count(), clients.close_stalled()), (1, 0));
        pass(&time);
        progress.record();
        assert_eq!(clients.close_stalled(), 0);
        pass(&time);
        assert_eq!(clients.close_stalled(), 1);
        drop(active);
        assert_eq!(clients.count(), 0);
    }

    #[test]
    fn a_connection_of_another_type_is_counted_and_cannot_be_closed() {
        let (clients, time) = clients();
        let _client = clients.connect(&"another type");
        pass(&time);
        assert_eq!((clients.count(), clients.close_stalled()), (1, 0));
    }
}
