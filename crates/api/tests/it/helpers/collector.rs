//! A collector of traces, as far as the tests need one: OTLP over HTTP, in protobuf.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message;

use super::until;

/// A status that stands for no answer at all.
const SILENCE: u16 = 0;

/// What was posted.
#[derive(Clone)]
pub(crate) struct Posted {
    /// The request line and the headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Posted {
    pub(crate) fn export(&self) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest::decode(self.body.as_slice()).unwrap()
    }
}

/// A collector on loopback, for as long as the test runs.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    posted: Arc<Mutex<Vec<Posted>>>,
    status: Arc<AtomicU16>,
}

impl Collector {
    /// Takes everything.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let collector = Self { address, posted: Arc::default(), status: Arc::new(AtomicU16::new(200)) };
        let (posted, status) = (Arc::clone(&collector.posted), Arc::clone(&collector.status));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (posted, status) = (Arc::clone(&posted), Arc::clone(&status));
                thread::spawn(move || serve(&stream.unwrap(), &posted, &status));
            }
        });
        collector
    }

    /// Answers with that status from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Answers nothing from now on, and keeps connections open.
    pub(crate) fn fall_silent(&self) {
        self.answer(SILENCE);
    }

    /// The address as it is configured.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was posted so far.
    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap().clone()
    }

    /// The spans of all that was posted so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let exports = self.posted().into_iter().flat_map(|posted| posted.export().resource_spans);
        exports.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// Waits until something was posted.
    pub(crate) fn wait_for_a_post(&self) {
        until("something is posted", || !self.posted().is_empty());
    }
}

fn serve(stream: &TcpStream, posted: &Mutex<Vec<Posted>>, status: &AtomicU16) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !matches!(reader.read_line(&mut head), Ok(1..)) {
                return;
            }
        }
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        posted.lock().unwrap().push(Posted { head, body });
        let status = status.load(Ordering::SeqCst);
        if status == SILENCE {
            // Until the other side gives up.
            let _ = reader.read(&mut [0]);
            return;
        }
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
        );
        if (&mut &*stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The attribute of that name, as text.
pub(crate) fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{name} is {other:?}"),
    }
}

/// An id as it is written.
pub(crate) fn hex(id: &[u8]) -> String {
    id.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
