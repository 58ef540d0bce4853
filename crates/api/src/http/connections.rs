//! The connections of clients: which ones are open, which are stalled, and how a large answer is written to one.

mod chunked_body;
mod clients;

pub(crate) use self::{
    chunked_body::in_chunks,
    clients::{Client, Clients, InFlight},
};
