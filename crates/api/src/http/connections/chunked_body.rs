//! Large answers, handed over in pieces.
//!
//! actix-web copies a body that it is given as a whole into the buffer of the connection, where it stays for as long as the
//! client does not read it.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};

use super::clients::Moves;

/// Up to how many bytes a body stays as it is: a page of some hundred tasks is one write.
const WHOLE: usize = 64 * 1024;
/// How many bytes a piece of a larger one has: as many as actix-web has in the buffer before it writes.
const PIECE: usize = 32 * 1024;

/// The same body, in pieces where it is large. With each piece that there was room for the client has done something.
pub(crate) fn in_pieces(body: BoxBody, moves: impl FnOnce() -> Option<Moves>) -> BoxBody {
    if !matches!(body.size(), BodySize::Sized(size) if size > WHOLE as u64) {
        return body;
    }
    match body.try_into_bytes() {
        Ok(rest) => BoxBody::new(Pieces { rest, moves: moves() }),
        Err(body) => body,
    }
}

struct Pieces {
    rest: Bytes,
    moves: Option<Moves>,
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        if let Some(moves) = &self.moves {
            moves.tell();
        }
        let length = self.rest.len().min(PIECE);
        Poll::Ready((length > 0).then(|| Ok(self.rest.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body;

    use super::*;

    #[actix_web::test]
    async fn a_large_body_comes_in_pieces_and_is_the_same_and_a_small_one_is_left_alone() {
        for (length, whole) in [(0, true), (WHOLE, true), (WHOLE + 1, false), (200_000, false)] {
            let bytes: Vec<u8> = (0..length).map(|number| number.to_le_bytes()[0]).collect();
            let body = in_pieces(BoxBody::new(bytes.clone()), || None);
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
