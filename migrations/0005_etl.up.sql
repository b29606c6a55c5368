-- The raw side of the chain as the Go ETL keeps it: one row per block, transaction, play and so
-- on. Names, columns and indexes are those of its own migrations 0001 to 0015; the two unique
-- keys it lacks are added at the end.

-- Enumerations.

CREATE TYPE etl_proof_status AS ENUM ('unresolved', 'pass', 'fail');

-- Blocks, transactions, addresses.

CREATE TABLE IF NOT EXISTS etl_blocks (
    id               serial    NOT NULL,
    proposer_address text      NOT NULL,
    block_height     bigint    NOT NULL,
    block_time       timestamp NOT NULL,
    CONSTRAINT etl_blocks_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS etl_blocks_block_height_desc_idx ON etl_blocks (block_height DESC);
CREATE INDEX IF NOT EXISTS etl_blocks_block_height_idx ON etl_blocks (block_height);
CREATE INDEX IF NOT EXISTS etl_blocks_block_time_height_idx
    ON etl_blocks (block_time DESC, block_height DESC);
CREATE INDEX IF NOT EXISTS etl_blocks_block_time_idx ON etl_blocks (block_time);
CREATE INDEX IF NOT EXISTS etl_blocks_block_time_range_idx
    ON etl_blocks (block_time, block_height);
CREATE INDEX IF NOT EXISTS etl_blocks_id_desc_idx ON etl_blocks (id DESC);

CREATE TABLE IF NOT EXISTS etl_transactions (
    id           serial    NOT NULL,
    tx_hash      text      NOT NULL,
    block_height bigint    NOT NULL,
    tx_index     integer   NOT NULL,
    tx_type      text      NOT NULL,
    address      text,
    created_at   timestamp NOT NULL,
    CONSTRAINT etl_transactions_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS etl_transactions_address_filter_idx
    ON etl_transactions (lower(address), tx_type, created_at, block_height DESC, tx_index DESC);
CREATE INDEX IF NOT EXISTS etl_transactions_address_idx ON etl_transactions (address);
CREATE INDEX IF NOT EXISTS etl_transactions_address_lower_idx ON etl_transactions (lower(address));
CREATE INDEX IF NOT EXISTS etl_transactions_block_height_desc_idx
    ON etl_transactions (block_height DESC, tx_index DESC);
CREATE INDEX IF NOT EXISTS etl_transactions_created_at_idx ON etl_transactions (created_at);
CREATE INDEX IF NOT EXISTS etl_transactions_created_at_type_idx
    ON etl_transactions (created_at, tx_type);
CREATE INDEX IF NOT EXISTS etl_transactions_cursor_idx ON etl_transactions (block_height, id);
CREATE INDEX IF NOT EXISTS etl_transactions_id_desc_idx ON etl_transactions (id DESC);
CREATE UNIQUE INDEX IF NOT EXISTS etl_transactions_tx_hash_idx ON etl_transactions (tx_hash);
CREATE INDEX IF NOT EXISTS etl_transactions_tx_type_idx ON etl_transactions (tx_type);

CREATE TABLE IF NOT EXISTS etl_addresses (
    id                      serial    NOT NULL,
    address                 text      NOT NULL,
    pub_key                 bytea,
    first_seen_block_height bigint,
    created_at              timestamp NOT NULL,
    CONSTRAINT etl_addresses_pkey PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS etl_manage_entities (
    id           serial    NOT NULL,
    address      text      NOT NULL,
    entity_type  text      NOT NULL,
    entity_id    bigint    NOT NULL,
    action       text      NOT NULL,
    metadata     text,
    signature    text      NOT NULL,
    signer       text      NOT NULL,
    nonce        text      NOT NULL,
    block_height bigint    NOT NULL,
    tx_hash      text      NOT NULL,
    created_at   timestamp NOT NULL,
    CONSTRAINT etl_manage_entities_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS etl_manage_entities_cursor_idx
    ON etl_manage_entities (block_height, id);
CREATE INDEX IF NOT EXISTS etl_manage_entities_tx_hash_action_entity_idx
    ON etl_manage_entities (tx_hash, action, entity_type);
CREATE INDEX IF NOT EXISTS etl_manage_entities_tx_hash_idx ON etl_manage_entities (tx_hash);

CREATE TABLE IF NOT EXISTS etl_plays (
    id           serial    NOT NULL,
    user_id      text      NOT NULL,
    track_id     text      NOT NULL,
    city         text      NOT NULL,
    region       text      NOT NULL,
    country      text      NOT NULL,
    played_at    timestamp NOT NULL,
    block_height bigint    NOT NULL,
    tx_hash      text      NOT NULL,
    listened_at  timestamp NOT NULL,
    recorded_at  timestamp NOT NULL,
    CONSTRAINT etl_plays_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS etl_plays_cursor_idx ON etl_plays (block_height, id);
CREATE INDEX IF NOT EXISTS etl_plays_tx_hash_idx ON etl_plays (tx_hash);

-- Validators.

CREATE TABLE IF NOT EXISTS etl_validators (
    id              serial    NOT NULL,
    address         text      NOT NULL,
    endpoint        text      NOT NULL,
    comet_address   text      NOT NULL,
    node_type       text      NOT NULL,
    spid            text      NOT NULL,
    voting_power    bigint    NOT NULL,
    status          text      NOT NULL,
    registered_at   bigint    NOT NULL,
    deregistered_at bigint,
    created_at      timestamp NOT NULL,
    updated_at      timestamp NOT NULL,
    CONSTRAINT etl_validators_pkey PRIMARY KEY (id),
    CONSTRAINT etl_validators_endpoint_key UNIQUE (endpoint)
);
CREATE INDEX IF NOT EXISTS etl_validators_active_reports_idx
    ON etl_validators (status, comet_address)
    WHERE status = 'active'::text;
CREATE INDEX IF NOT EXISTS etl_validators_address_lower_idx ON etl_validators (lower(address));
CREATE INDEX IF NOT EXISTS etl_validators_comet_address_idx ON etl_validators (comet_address);
CREATE INDEX IF NOT EXISTS etl_validators_comet_address_lower_idx
    ON etl_validators (lower(comet_address));
CREATE INDEX IF NOT EXISTS etl_validators_status_covering_idx
    ON etl_validators (status, comet_address, endpoint, node_type, spid, voting_power)
    WHERE status = 'active'::text;
CREATE INDEX IF NOT EXISTS etl_validators_status_idx ON etl_validators (status);

CREATE TABLE IF NOT EXISTS etl_validator_registrations (
    id            serial NOT NULL,
    address       text   NOT NULL,
    endpoint      text   NOT NULL,
    comet_address text   NOT NULL,
    eth_block     text   NOT NULL,
    node_type     text   NOT NULL,
    spid          text   NOT NULL,
    comet_pubkey  bytea  NOT NULL,
    voting_power  bigint NOT NULL,
    block_height  bigint NOT NULL,
    tx_hash       text   NOT NULL,
    CONSTRAINT etl_validator_registrations_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS etl_validator_registrations_comet_address_idx
    ON etl_validator_registrations (comet_address);
CREATE INDEX IF NOT EXISTS etl_validator_registrations_cursor_idx
    ON etl_validator_registrations (block_height, id);
CREATE INDEX IF NOT EXISTS etl_validator_registrations_tx_hash_idx
    ON etl_validator_registrations (tx_hash);

CREATE TABLE IF NOT EXISTS etl_validator_deregistrations (
    id            serial NOT NULL,
    comet_address text   NOT NULL,
    comet_pubkey  bytea  NOT NULL,
    block_height  bigint NOT NULL,
    tx_hash       text   NOT NULL,
    CONSTRAINT etl_validator_deregistrations_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS etl_validator_deregistrations_comet_address_idx
    ON etl_validator_deregistrations (comet_address);
CREATE INDEX IF NOT EXISTS etl_validator_deregistrations_cursor_idx
    ON etl_validator_deregistrations (block_height, id);
CREATE INDEX IF NOT EXISTS etl_validator_deregistrations_tx_hash_idx
    ON etl_validator_deregistrations (tx_hash);

CREATE TABLE IF NOT EXISTS etl_validator_misbehavior_deregistrations (
    id            serial    NOT NULL,
    comet_address text      NOT NULL,
    pub_key       bytea     NOT NULL,
    block_height  bigint    NOT NULL,
    tx_hash       text      NOT NULL,
    created_at    timestamp NOT NULL,
    CONSTRAINT etl_validator_misbehavior_deregistrations_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS etl_validator_misbehavior_deregistrations_cursor_idx
    ON etl_validator_misbehavior_deregistrations (block_height, id);

-- Service level reports.

CREATE TABLE IF NOT EXISTS etl_sla_rollups (
    id              serial           NOT NULL,
    block_start     bigint           NOT NULL,
    block_end       bigint           NOT NULL,
    block_height    bigint           NOT NULL,
    validator_count integer          NOT NULL,
    block_quota     integer          NOT NULL,
    bps             double precision NOT NULL,
    tps             double precision NOT NULL,
    tx_hash         text             NOT NULL,
    created_at      timestamp        NOT NULL,
    CONSTRAINT etl_sla_rollups_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS etl_sla_rollups_block_height_desc_idx
    ON etl_sla_rollups (block_height DESC, id DESC);
CREATE INDEX IF NOT EXISTS etl_sla_rollups_cursor_idx ON etl_sla_rollups (block_height, id);
CREATE INDEX IF NOT EXISTS etl_sla_rollups_latest_covering_idx
    ON etl_sla_rollups (block_height DESC, id DESC, block_start, block_end, validator_count, block_quota, bps, tps);
CREATE INDEX IF NOT EXISTS etl_sla_rollups_tx_hash_idx ON etl_sla_rollups (tx_hash);

CREATE TABLE IF NOT EXISTS etl_sla_node_reports (
    id                  serial    NOT NULL,
    sla_rollup_id       integer   NOT NULL,
    address             text      NOT NULL,
    num_blocks_proposed integer   NOT NULL,
    challenges_received integer   NOT NULL,
    challenges_failed   integer   NOT NULL,
    block_height        bigint    NOT NULL,
    tx_hash             text      NOT NULL,
    created_at          timestamp NOT NULL,
    CONSTRAINT etl_sla_node_reports_pkey PRIMARY KEY (id),
    CONSTRAINT etl_sla_node_reports_sla_rollup_id_fkey FOREIGN KEY (sla_rollup_id)
        REFERENCES etl_sla_rollups (id)
);
CREATE INDEX IF NOT EXISTS etl_sla_node_reports_address_lower_idx
    ON etl_sla_node_reports (lower(address));
CREATE INDEX IF NOT EXISTS etl_sla_node_reports_address_sla_rollup_idx
    ON etl_sla_node_reports (address, sla_rollup_id);
CREATE INDEX IF NOT EXISTS etl_sla_node_reports_cursor_idx
    ON etl_sla_node_reports (block_height, id);
CREATE INDEX IF NOT EXISTS etl_sla_node_reports_sla_rollup_id_idx
    ON etl_sla_node_reports (sla_rollup_id);

-- Storage proofs.

CREATE TABLE IF NOT EXISTS etl_storage_proofs (
    id               serial           NOT NULL,
    height           bigint           NOT NULL,
    address          text             NOT NULL,
    prover_addresses text[]           NOT NULL,
    cid              text             NOT NULL,
    proof_signature  bytea,
    proof            bytea,
    status           etl_proof_status NOT NULL DEFAULT 'unresolved',
    block_height     bigint           NOT NULL,
    tx_hash          text             NOT NULL,
    created_at       timestamp        NOT NULL,
    CONSTRAINT etl_storage_proofs_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS etl_storage_proofs_cursor_idx ON etl_storage_proofs (block_height, id);
CREATE INDEX IF NOT EXISTS etl_storage_proofs_height_address_idx
    ON etl_storage_proofs (height, address);
CREATE INDEX IF NOT EXISTS etl_storage_proofs_height_idx ON etl_storage_proofs (height);
CREATE INDEX IF NOT EXISTS etl_storage_proofs_height_range_idx
    ON etl_storage_proofs (height, address)
    WHERE height >= 0;
CREATE INDEX IF NOT EXISTS etl_storage_proofs_status_fail_idx
    ON etl_storage_proofs (height, address)
    WHERE status = 'fail'::etl_proof_status;
CREATE INDEX IF NOT EXISTS etl_storage_proofs_status_unresolved_idx
    ON etl_storage_proofs (height, address)
    WHERE status = 'unresolved'::etl_proof_status;
CREATE INDEX IF NOT EXISTS etl_storage_proofs_tx_hash_idx ON etl_storage_proofs (tx_hash);

CREATE TABLE IF NOT EXISTS etl_storage_proof_verifications (
    id           serial    NOT NULL,
    height       bigint    NOT NULL,
    proof        bytea     NOT NULL,
    block_height bigint    NOT NULL,
    tx_hash      text      NOT NULL,
    created_at   timestamp NOT NULL,
    CONSTRAINT etl_storage_proof_verifications_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS etl_storage_proof_verifications_cursor_idx
    ON etl_storage_proof_verifications (block_height, id);
CREATE INDEX IF NOT EXISTS etl_storage_proof_verifications_tx_hash_idx
    ON etl_storage_proof_verifications (tx_hash);

-- The Go ETL adds an address for every entity transaction and a failed proof for every repeated
-- verification. One row per key is what both tables mean.

CREATE UNIQUE INDEX IF NOT EXISTS etl_addresses_address_key ON etl_addresses (address);
CREATE UNIQUE INDEX IF NOT EXISTS etl_storage_proofs_height_address_key
    ON etl_storage_proofs (height, address);

-- Notifications, with the payload of the Go ETL, one per row. The triggers run once per statement
-- over all its rows, because a copy of thousands of plays would otherwise call them as often. A
-- payload that PostgreSQL would refuse (8000 bytes or more) is left out: the place names of a play
-- come from outside, and a long one must not fail the block.

CREATE FUNCTION notify_new_block() RETURNS trigger
    LANGUAGE plpgsql
    AS $fn$
    BEGIN
        PERFORM pg_notify('new_block', payload)
        FROM (
            SELECT json_build_object(
                'block_height', block_height,
                'proposer_address', proposer_address
            )::text AS payload
            FROM inserted
        ) AS built
        WHERE octet_length(payload) < 8000;
        RETURN NULL;
    END
    $fn$;
CREATE TRIGGER trigger_notify_new_block AFTER INSERT ON etl_blocks
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_block();

CREATE FUNCTION notify_new_plays() RETURNS trigger
    LANGUAGE plpgsql
    AS $fn$
    BEGIN
        PERFORM pg_notify('new_plays', payload)
        FROM (
            SELECT json_build_object(
                'user_id', user_id,
                'track_id', track_id,
                'city', city,
                'region', region,
                'country', country,
                'block_height', block_height
            )::text AS payload
            FROM inserted
        ) AS built
        WHERE octet_length(payload) < 8000;
        RETURN NULL;
    END
    $fn$;
CREATE TRIGGER trigger_notify_new_plays AFTER INSERT ON etl_plays
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_plays();

-- Dashboard figures. "Now" is the time of the highest block, so that a replay counts as the
-- original run did.

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_dashboard_transaction_stats AS
WITH latest AS (
    SELECT block_time AS at FROM etl_blocks ORDER BY block_height DESC LIMIT 1
)
SELECT
    count(*) FILTER (WHERE created_at >= at - interval '24 hours') AS transactions_24h,
    count(*) FILTER (
        WHERE created_at >= at - interval '48 hours' AND created_at < at - interval '24 hours'
    ) AS transactions_previous_24h,
    count(*) FILTER (WHERE created_at >= at - interval '7 days') AS transactions_7d,
    count(*) FILTER (WHERE created_at >= at - interval '30 days') AS transactions_30d,
    count(*) AS total_transactions
FROM etl_transactions
CROSS JOIN latest
WHERE created_at <= at;
CREATE INDEX IF NOT EXISTS mv_dashboard_transaction_stats_24h_idx
    ON mv_dashboard_transaction_stats (transactions_24h);

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_dashboard_transaction_types AS
SELECT tx_type, count(*) AS transaction_count
FROM etl_transactions
GROUP BY tx_type;
CREATE INDEX IF NOT EXISTS mv_dashboard_transaction_types_idx
    ON mv_dashboard_transaction_types (tx_type, transaction_count);
