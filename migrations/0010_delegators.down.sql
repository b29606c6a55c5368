ALTER TABLE audius_etl_eth_retries DROP COLUMN IF EXISTS with_delegators;
