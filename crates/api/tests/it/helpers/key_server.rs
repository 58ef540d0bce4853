//! A server that publishes keys, or does what else a test wants of it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

type Behaviour = Arc<dyn Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync>;

/// A server on loopback, for as long as the test runs.
pub(crate) struct KeyServer {
    address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
    requests: Arc<AtomicUsize>,
}

impl KeyServer {
    /// Publishes that body.
    pub(crate) fn publishing(body: &str) -> Self {
        let server = Self::behaving(|_| Ok(()));
        server.publish(body);
        server
    }

    /// Does that with each connection, once a request has come.
    pub(crate) fn behaving(
        behaviour: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            behaviour: Arc::new(Mutex::new(Arc::new(behaviour))),
            requests: Arc::default(),
        };
        let (behaviour, requests) = (Arc::clone(&server.behaviour), Arc::clone(&server.requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (behaviour, requests) = (Arc::clone(&behaviour), Arc::clone(&requests));
                thread::spawn(move || serve(&mut stream.unwrap(), &behaviour, &requests));
            }
        });
        server
    }

    /// Publishes that body from now on.
    pub(crate) fn publish(&self, body: &str) {
        let answer = answer("200 OK", body);
        self.behave(move |stream| stream.write_all(&answer));
    }

    /// Does that from now on.
    pub(crate) fn behave(
        &self,
        behaviour: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) {
        *self.behaviour.lock().unwrap() = Arc::new(behaviour);
    }

    /// How many requests have come.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// The address of the key set.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/auth/jwks", self.address)
    }
}

/// A whole answer.
pub(crate) fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}

fn serve(stream: &mut TcpStream, behaviour: &Mutex<Behaviour>, requests: &AtomicUsize) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    requests.fetch_add(1, Ordering::SeqCst);
    let behaviour = Arc::clone(&behaviour.lock().unwrap());
    // The service may have gone away, which is what some tests want.
    let _ = behaviour(stream);
}
