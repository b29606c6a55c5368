-- Balances on Ethereum, as production has them, and what following a chain that reorganises itself
-- needs beside them.

CREATE TABLE IF NOT EXISTS eth_wallet_balances (
    wallet      text      NOT NULL,
    balance     numeric   NOT NULL DEFAULT 0,
    blocknumber bigint,
    updated_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    created_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT eth_wallet_balances_pkey PRIMARY KEY (wallet)
);
CREATE INDEX IF NOT EXISTS eth_wallet_balances_updated_at_idx ON eth_wallet_balances (updated_at);

CREATE TABLE IF NOT EXISTS eth_indexer_checkpoints (
    name       text      NOT NULL,
    last_block bigint    NOT NULL,
    updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT eth_indexer_checkpoints_pkey PRIMARY KEY (name)
);

CREATE TABLE IF NOT EXISTS eth_user_balances (
    user_id    integer   NOT NULL,
    balance    numeric   NOT NULL DEFAULT 0,
    updated_at timestamp NOT NULL DEFAULT now(),
    created_at timestamp NOT NULL DEFAULT now(),
    CONSTRAINT eth_user_balances_pkey PRIMARY KEY (user_id)
);

-- The block at which a balance was read; NULL once that block is no longer part of the chain.
CREATE TABLE IF NOT EXISTS audius_etl_eth_reads (
    wallet     text   NOT NULL PRIMARY KEY,
    read_block bigint,
    read_hash  text
);
CREATE INDEX IF NOT EXISTS audius_etl_eth_reads_read_block_idx
    ON audius_etl_eth_reads (read_block);

-- Wallets whose balance has to be read: reading failed, or what was read is of a block that is
-- gone, or the wallet is new.
CREATE TABLE IF NOT EXISTS audius_etl_eth_retries (
    wallet      text        NOT NULL PRIMARY KEY,
    event_block bigint,
    attempts    integer     NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT now(),
    reason      text        NOT NULL
);
CREATE INDEX IF NOT EXISTS audius_etl_eth_retries_next_at_idx ON audius_etl_eth_retries (next_at);

-- Events name wallets in lower case; users.wallet has such an index already.
CREATE INDEX IF NOT EXISTS audius_etl_associated_wallets_wallet_lower_idx
    ON associated_wallets (lower(wallet::text)) WHERE chain = 'eth';

-- Newly linked wallets are found by the block that linked them.
CREATE INDEX IF NOT EXISTS audius_etl_associated_wallets_blocknumber_idx
    ON associated_wallets (blocknumber);
