//! Large answers, handed to actix-web in chunks.
//!
//! actix-web copies a body that it gets as a whole into the buffer of the connection, where it stays until the client has
//! read it.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};

use crate::http::connections::clients::Progress;

/// The largest body that stays whole, in bytes: a page of some hundred tasks is one write.
const MAX_WHOLE: usize = 64 * 1024;
/// The bytes of a chunk: as many as actix-web buffers before it writes.
const CHUNK: usize = 32 * 1024;

/// The same body, in chunks if it is large. actix-web asks for the next chunk when the client has made room for it, so each
/// chunk counts as progress of the client.
pub(crate) fn in_chunks(body: BoxBody, progress: impl FnOnce() -> Option<Progress>) -> BoxBody {
    if !matches!(body.size(), BodySize::Sized(size) if size > MAX_WHOLE as u64) {
        return body;
    }
    match body.try_into_bytes() {
        Ok(rest) => BoxBody::new(ChunkedBody { rest, progress: progress() }),
        Err(body) => body,
    }
}

struct ChunkedBody {
    rest: Bytes,
    progress: Option<Progress>,
}

impl MessageBody for ChunkedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        if let Some(progress) = &self.progress {
            progress.record();
        }
        let length = self.rest.len().min(CHUNK);
        Poll::Ready((length > 0).then(|| Ok(self.rest.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering::Relaxed},
        },
        time::Duration,
    };

    use actix_web::{body, rt::net::TcpListener};

    use super::*;
    use crate::http::connections::clients::Clients;

    #[tokio::test]
    async fn each_chunk_counts_as_progress_of_the_client() {
        let time = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&time);
        let seconds = move || Duration::from_secs(clock.load(Relaxed));
        let clients = Clients::with_clock(Duration::from_secs(1), seconds);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client_end = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let client = clients.connect(&listener.accept().await.unwrap().0);
        let progress = client.begin().progress();
        let mut body = pin!(in_chunks(BoxBody::new(vec![0; 3 * CHUNK]), || Some(progress)));
        for _ in 0..2 {
            time.fetch_add(2, Relaxed);
            assert!(poll_fn(|context| body.as_mut().poll_next(context)).await.is_some());
            assert_eq!(clients.close_stalled(), 0);
        }
        time.fetch_add(2, Relaxed);
        assert_eq!(clients.close_stalled(), 1, "the client takes no further chunk");
    }

    #[tokio::test]
    async fn a_large_body_comes_in_chunks_with_the_same_bytes_and_a_small_one_stays_whole() {
        for (length, whole) in [(0, true), (MAX_WHOLE, true), (MAX_WHOLE + 1, false), (200_000, false)] {
            let bytes: Vec<u8> = (0..length).map(|number| number.to_le_bytes()[0]).collect();
            let body = in_chunks(BoxBody::new(bytes.clone()), || None);
            assert_eq!(body.size(), BodySize::Sized(length as u64));
            match body.try_into_bytes() {
                Ok(found) => assert!(whole && found == bytes, "{length}"),
                Err(body) => {
                    assert!(!whole, "{length}");
                    assert_eq!(body::to_bytes(body).await.unwrap(), bytes);
                }
            }
        }
    }
}
