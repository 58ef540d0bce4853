-- Keys that all replicas share and nobody has to configure. They live where the tasks live, and go into the same backups.
CREATE TABLE service_keys (
    -- What the key is for.
    name TEXT COLLATE "C" NOT NULL,
    key BYTEA NOT NULL,
    CONSTRAINT service_keys_pkey PRIMARY KEY (name),
    -- As many bytes as HMAC-SHA256 gives.
    CONSTRAINT service_keys_key_length CHECK (octet_length(key) = 32)
);

-- The key that cursors are sealed with. A random UUID has 122 bits of the server's strong random numbers; the digest of
-- three of them has 256 that nobody can guess.
INSERT INTO service_keys (name, key)
VALUES ('cursors', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
