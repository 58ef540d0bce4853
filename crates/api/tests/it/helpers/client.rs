//! A small HTTP/1.1 client: it sends exactly what a test says, however wrong that is.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

use task_adapters::testing::HUNG;

use super::{answer::Answer, tokens::token};

/// A request as it will be written.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Sized(Vec<u8>),
    Chunked(Vec<u8>),
}

pub(crate) fn request(method: &str, target: impl Into<String>) -> Request {
    Request { method: method.to_owned(), target: target.into(), headers: Vec::new(), body: Body::None }
}

pub(crate) fn get(target: impl Into<String>) -> Request {
    request("GET", target)
}

pub(crate) fn head(target: impl Into<String>) -> Request {
    request("HEAD", target)
}

pub(crate) fn post(target: impl Into<String>) -> Request {
    request("POST", target)
}

pub(crate) fn put(target: impl Into<String>) -> Request {
    request("PUT", target)
}

pub(crate) fn patch(target: impl Into<String>) -> Request {
    request("PATCH", target)
}

pub(crate) fn delete(target: impl Into<String>) -> Request {
    request("DELETE", target)
}

pub(crate) fn options(target: impl Into<String>) -> Request {
    request("OPTIONS", target)
}

impl Request {
    /// With a valid token of that user.
    pub(crate) fn by(self, user: &str) -> Self {
        self.bearing(&token(user))
    }

    /// With that token, valid or not.
    pub(crate) fn bearing(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With a body of the type `application/json`.
    pub(crate) fn json(self, body: &(impl ToString + ?Sized)) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    /// With a body whose length is announced.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Sized(body.into());
        self
    }

    /// With a body in chunks, whose length is not announced.
    pub(crate) fn chunked(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Chunked(body.into());
        self
    }

    /// With another method.
    pub(crate) fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// Whether it carries a header of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    /// The bytes that go over the wire.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            format!("{} {} HTTP/1.1\r\nHost: localhost\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: ").as_bytes());
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        match &self.body {
            Body::None => bytes.extend_from_slice(b"\r\n"),
            Body::Sized(body) => {
                bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                bytes.extend_from_slice(body);
            }
            Body::Chunked(body) => {
                bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in body.chunks(10_000) {
                    bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
        }
        bytes
    }

    /// Sends it on a connection of its own and checks what holds for every answer.
    pub(crate) fn send(&self, address: SocketAddr) -> Answer {
        let answer =
            self.try_send(address).unwrap_or_else(|error| panic!("{} {}: {error}", self.method, self.target));
        answer.check_what_holds_for_all(self);
        answer
    }

    /// Sends it on a connection of its own.
    pub(crate) fn try_send(&self, address: SocketAddr) -> std::io::Result<Answer> {
        let mut closing = self.clone();
        closing.headers.push(("Connection".to_owned(), b"close".to_vec()));
        let mut stream = try_connect(address)?;
        stream.write_all(&closing.to_bytes())?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 16_384];
        loop {
            let read = stream.read(&mut buffer)?;
            bytes.extend_from_slice(&buffer[..read]);
            let parsed = Answer::parse(&bytes, &self.method);
            match parsed {
                // A body where there must be none would come behind the head.
                Some((answer, _))
                    if read > 0 && answer.body.is_empty() && matches!(self.body, Body::None) => {}
                Some((answer, length)) => {
                    assert_eq!(
                        bytes.len(),
                        length,
                        "more than the answer to {} {}",
                        self.method,
                        self.target
                    );
                    return Ok(answer);
                }
                None if read == 0 => return Err(ErrorKind::UnexpectedEof.into()),
                None => {}
            }
        }
    }
}

/// Opens a connection on which nothing waits for ever.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    try_connect(address).unwrap()
}

fn try_connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, HUNG)?;
    stream.set_read_timeout(Some(HUNG))?;
    stream.set_write_timeout(Some(HUNG))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends bytes and reads until the server closes the connection.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = try_connect(address)?;
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let _ = stream.shutdown(Shutdown::Both);
    Ok(answer)
}

/// A connection for one request after the other.
pub(crate) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self { stream: connect(address), unread: Vec::new() }
    }

    /// What it writes to, for a test that writes in a way of its own.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, request: &Request) -> Answer {
        self.write(&request.to_bytes());
        let answer = self.read(&request.method);
        answer.check_what_holds_for_all(request);
        answer
    }

    /// Reads one answer.
    pub(crate) fn read(&mut self, method: &str) -> Answer {
        self.try_read(method).expect("an answer before the connection is closed")
    }

    /// Reads one answer; `None` if the server closes the connection instead.
    pub(crate) fn try_read(&mut self, method: &str) -> Option<Answer> {
        loop {
            if let Some((answer, length)) = Answer::parse(&self.unread, method) {
                self.unread.drain(..length);
                return Some(answer);
            }
            let mut buffer = [0; 16_384];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                    return None;
                }
                Err(error) => panic!("neither an answer nor an end: {error}"),
                Ok(read) => self.unread.extend_from_slice(&buffer[..read]),
            }
        }
    }
}
