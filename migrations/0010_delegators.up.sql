-- A service provider whose delegators could not be listed: their balances changed with it.
ALTER TABLE audius_etl_eth_retries
    ADD COLUMN IF NOT EXISTS with_delegators boolean NOT NULL DEFAULT false;
