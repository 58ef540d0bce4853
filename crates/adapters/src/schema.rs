//! The tables as diesel sees them. `cargo xtask migrate check` compares this file with a migrated database.

diesel::table! {
    idempotency_keys (user_id, key) {
        user_id -> Text,
        key -> Text,
        fingerprint -> Bytea,
        receipt -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    service_keys (name) {
        name -> Text,
        key -> Bytea,
    }
}

diesel::table! {
    tasks (user_id, id) {
        user_id -> Text,
        id -> BigInt,
        title -> Text,
        description -> Nullable<Text>,
        completed -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        version -> BigInt,
        completed_at -> Nullable<Timestamptz>,
    }
}
