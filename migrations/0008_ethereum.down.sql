DROP INDEX IF EXISTS audius_etl_associated_wallets_blocknumber_idx;
DROP INDEX IF EXISTS audius_etl_associated_wallets_wallet_lower_idx;
DROP TABLE IF EXISTS audius_etl_eth_retries;
DROP TABLE IF EXISTS audius_etl_eth_reads;
DROP TABLE IF EXISTS eth_user_balances;
DROP TABLE IF EXISTS eth_indexer_checkpoints;
DROP TABLE IF EXISTS eth_wallet_balances;
