-- The tool's own tables. Nothing else lives under the prefix audius_etl_, so they can be dropped
-- from a production database without touching anything of production's.

-- Applied migrations. `adopted` says that objects of the migration were there before it ran;
-- `created` lists what it really made, which is all that reverting an adopted one removes.
CREATE TABLE IF NOT EXISTS audius_etl_migrations (
    version    integer     NOT NULL PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    adopted    boolean     NOT NULL DEFAULT false,
    created    text[]      NOT NULL DEFAULT '{}'
);

-- Where the database stands: a checkpoint per block, numbered over all chains of the process.
-- The writer keeps the recent ones and at least the last of every chain.
CREATE TABLE IF NOT EXISTS audius_etl_checkpoints (
    id         bigint    NOT NULL PRIMARY KEY,
    chain      text      NOT NULL,
    height     bigint    NOT NULL,
    block_hash text      NOT NULL,
    block_time timestamp NOT NULL,
    em_block   integer
);
CREATE UNIQUE INDEX IF NOT EXISTS audius_etl_checkpoints_chain_height_key
    ON audius_etl_checkpoints (chain, height);

-- What is known of a chain: the highest block seen, and since when the database has kept up.
CREATE TABLE IF NOT EXISTS audius_etl_chains (
    chain            text        NOT NULL PRIMARY KEY,
    head_height      bigint,
    head_time        timestamp,
    ready_at         timestamptz,
    events_processed bigint      NOT NULL DEFAULT 0,
    updated_at       timestamptz NOT NULL DEFAULT now()
);

-- Rows as they were before a checkpoint changed them; NULL for "did not exist".
CREATE TABLE IF NOT EXISTS audius_etl_history (
    checkpoint_id bigint NOT NULL,
    table_name    text   NOT NULL,
    row_key       jsonb  NOT NULL,
    previous      jsonb
);
CREATE INDEX IF NOT EXISTS audius_etl_history_checkpoint_id_idx
    ON audius_etl_history (checkpoint_id);

-- Results of calls outside the chain that are kept across restarts.
CREATE TABLE IF NOT EXISTS audius_etl_effects (
    name          text   NOT NULL,
    key           text   NOT NULL,
    value         jsonb  NOT NULL,
    checkpoint_id bigint NOT NULL,
    PRIMARY KEY (name, key)
);

-- Secondary indexes that were taken away for the initial sync and are to be built again.
CREATE TABLE IF NOT EXISTS audius_etl_deferred_indexes (
    name       text NOT NULL PRIMARY KEY,
    table_name text NOT NULL,
    definition text NOT NULL
);
