-- Transactions whose rows this database refused, although every rule let them pass: nothing of them is
-- applied, and what the server said is kept.
CREATE TABLE IF NOT EXISTS audius_etl_refusals (
    chain      text      NOT NULL,
    height     bigint    NOT NULL,
    tx_index   integer   NOT NULL,
    tx_hash    text      NOT NULL,
    tx_type    text      NOT NULL,
    code       text      NOT NULL,
    message    text      NOT NULL,
    block_time timestamp NOT NULL
);
