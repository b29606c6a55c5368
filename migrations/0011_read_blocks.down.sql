ALTER TABLE audius_etl_eth_reads RESET (fillfactor);
CREATE INDEX IF NOT EXISTS audius_etl_eth_reads_read_block_idx
    ON audius_etl_eth_reads (read_block);
DROP TABLE IF EXISTS audius_etl_eth_read_blocks;
