-- What every run on this database keeps to: whose behaviour is followed, and where it goes over from
-- one chain to the next. At most one row; heights in `era` are those of `chain`.
CREATE TABLE IF NOT EXISTS audius_etl_plan (
    id        integer NOT NULL DEFAULT 1 PRIMARY KEY,
    era       text    NOT NULL,
    reason    text    NOT NULL,
    chain     text,
    switch_at bigint,
    next_from bigint
);
