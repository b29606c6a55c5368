-- Sweeps on several machines share the wallets. A lease is a batch that one of them is reading; it
-- goes with what was read, or runs out.

CREATE TABLE IF NOT EXISTS audius_etl_sweep_leases (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wallets      text[]      NOT NULL,
    holder       text        NOT NULL,
    pass_started timestamp,
    leased_until timestamptz NOT NULL
);

-- Wallets that could not be read, so that they don't stay the oldest and get in the way.
CREATE TABLE IF NOT EXISTS audius_etl_sweep_failures (
    wallet    text        NOT NULL PRIMARY KEY,
    attempts  integer     NOT NULL DEFAULT 1,
    failed_at timestamp   NOT NULL DEFAULT now(),
    next_at   timestamptz NOT NULL,
    reason    text        NOT NULL
);
