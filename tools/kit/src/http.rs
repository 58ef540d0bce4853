//! Requests to services on this machine that a tool has started itself: a few bytes each way, without TLS.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200; 0 if the answer has none.
    pub status: u16,
    /// What follows the head.
    pub body: String,
}

impl Answer {
    /// Whether the status is 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn parse(text: &str) -> Self {
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
        Self { status, body }
    }
}

/// Asks for a resource.
pub async fn get(address: SocketAddr, path: &str) -> io::Result<Answer> {
    send(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")).await
}

/// Sends JSON.
pub async fn post(address: SocketAddr, path: &str, json: &str) -> io::Result<Answer> {
    let length = json.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    send(address, &(head + json)).await
}

async fn send(address: SocketAddr, request: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(Answer::parse(&String::from_utf8_lossy(&answer)))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_request_arrives_whole_and_its_answer_is_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 512];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\nA: b\r\n\r\nno").await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        };
        let (request, answer) = tokio::join!(server, post(address, "/x", "{}"));
        assert!(
            request.starts_with("POST /x HTTP/1.1\r\n") && request.ends_with("Content-Length: 2\r\n\r\n{}")
        );
        let answer = answer.unwrap();
        assert_eq!(answer, Answer { status: 403, body: "no".to_owned() });
        assert!(!answer.is_success());
    }
}
