#![doc = include_str!("../README.md")]

mod bodies;
mod cursor;
mod database_url;
mod headers;
mod json;
mod key_set;
mod path;
mod query;
mod token;

/// A parser of what clients, an issuer or an operator write.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    name: &'static str,
    read: fn(&[u8]) -> bool,
}

impl Target {
    const fn new(name: &'static str, read: fn(&[u8]) -> bool) -> Self {
        Self { name, read }
    }

    /// Its name, which is also that of its folder of seeds.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Reads an input, and says whether the parser took it.
    ///
    /// # Panics
    ///
    /// If something does not hold.
    #[must_use]
    pub fn read(&self, input: &[u8]) -> bool {
        (self.read)(input)
    }
}

/// Any JSON that is sent: beside what `serde_json` makes of it.
pub const JSON: Target = Target::new("json", json::read);
/// The bodies of the writes, read as each of them.
pub const BODIES: Target = Target::new("bodies", bodies::read);
/// The query of a list.
pub const QUERY: Target = Target::new("query", query::read);
/// Cursors: any text, and a sealed one that is changed.
pub const CURSOR: Target = Target::new("cursor", cursor::read);
/// Segments of the path: users and ids.
pub const PATH: Target = Target::new("path", path::read);
/// Conditional headers, idempotency keys, media types, and the header that carries the token.
pub const HEADERS: Target = Target::new("headers", headers::read);
/// Tokens: any text, and what is signed rightly and says anything.
pub const TOKEN: Target = Target::new("token", token::read);
/// Key sets that an issuer publishes.
pub const KEY_SET: Target = Target::new("key_set", key_set::read);
/// `DATABASE_URL`.
pub const DATABASE_URL: Target = Target::new("database_url", database_url::read);

/// All of them.
pub const ALL: [Target; 9] = [JSON, BODIES, QUERY, CURSOR, PATH, HEADERS, TOKEN, KEY_SET, DATABASE_URL];
