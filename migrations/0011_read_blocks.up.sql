-- The blocks at which balances were read. Whether one of them is gone is asked at every block of the
-- chain, so it is asked of these few rows, not of a row per wallet.
CREATE TABLE IF NOT EXISTS audius_etl_eth_read_blocks (
    number bigint NOT NULL,
    hash   text   NOT NULL,
    CONSTRAINT audius_etl_eth_read_blocks_pkey PRIMARY KEY (number, hash)
);
INSERT INTO audius_etl_eth_read_blocks (number, hash)
SELECT DISTINCT read_block, read_hash FROM audius_etl_eth_reads
WHERE read_block >= (SELECT max(read_block) - 10000 FROM audius_etl_eth_reads)
    AND read_hash IS NOT NULL
ON CONFLICT DO NOTHING;

-- Every read updates its row: without an index on what changes, and with room on the page, that
-- touches no index at all.
DROP INDEX IF EXISTS audius_etl_eth_reads_read_block_idx;
ALTER TABLE audius_etl_eth_reads SET (fillfactor = 50);
