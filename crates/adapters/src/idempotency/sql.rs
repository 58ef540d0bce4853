//! The statements on `idempotency_keys`.

use diesel::sql_types::{BigInt, Binary, Bool, Text};

use crate::postgres::statement::prepared_statements;

prepared_statements! {
    placeholders: [];

    Lock("lock") -> Bool {
        key: &'a str => Text,
        owner: &'a str => Text,
    }

    Find("find") -> (Binary, Binary) {
        owner: &'a str => Text,
        key: &'a str => Text,
    }

    Claim("claim") -> () {
        owner: &'a str => Text,
        key: &'a str => Text,
        fingerprint: &'a [u8] => Binary,
    }

    Store("store") -> () {
        receipt: &'a [u8] => Binary,
        owner: &'a str => Text,
        key: &'a str => Text,
    }

    Forget("forget") -> () {
        limit: &'a i64 => BigInt,
    }
}
