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
    use actix_web::body;

    use super::*;

    #[actix_web::test]
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
