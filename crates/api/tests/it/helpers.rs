//! What the tests share: a client that sees every byte, servers to talk to, and tokens, good and bad.

pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod collector;
pub(crate) mod folder;
pub(crate) mod issuer;
pub(crate) mod key_server;
pub(crate) mod program;
pub(crate) mod schema;
pub(crate) mod servers;
pub(crate) mod tokens;
pub(crate) mod waiting;

pub(crate) use self::{
    answer::{Answer, Task},
    client::{Request, delete, get, head, options, patch, post, put, request},
    servers::{LISTED, Server, Stack},
    tokens::{SECRET, claims, sign, token},
    waiting::until,
};

/// Random numbers that are the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides` (`SplitMix64`).
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }

    /// One of `things`.
    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.roll(things.len())]
    }
}
