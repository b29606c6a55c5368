-- A database made by the Go ETL has older or tighter forms of a few production tables. This adds
-- the columns that production has and it lacks, lifts the NOT NULLs that production does not
-- have, and widens one key and one column. On any other database there is nothing to do here.

ALTER TABLE users
    ADD COLUMN IF NOT EXISTS spl_usdc_payout_wallet varchar,
    ADD COLUMN IF NOT EXISTS website varchar,
    ADD COLUMN IF NOT EXISTS donation varchar,
    ADD COLUMN IF NOT EXISTS profile_type profile_type_enum;

ALTER TABLE tracks
    ADD COLUMN IF NOT EXISTS parental_warning parental_warning_type,
    ADD COLUMN IF NOT EXISTS territory_codes text[];

ALTER TABLE encrypted_emails
    ADD COLUMN IF NOT EXISTS id serial NOT NULL;

ALTER TABLE email_access
    ADD COLUMN IF NOT EXISTS id serial NOT NULL,
    ADD COLUMN IF NOT EXISTS is_initial boolean NOT NULL DEFAULT false;

DO $$
DECLARE
    tight record;
BEGIN
    FOR tight IN
        SELECT attrelid::regclass AS tab, attname AS col
        FROM (
            VALUES
                ('comments', 'blocknumber'),
                ('comment_mentions', 'blocknumber'),
                ('comment_mentions', 'is_delete'),
                ('comment_reactions', 'blocknumber'),
                ('comment_reactions', 'is_delete'),
                ('comment_reports', 'blocknumber'),
                ('comment_reports', 'is_delete'),
                ('dashboard_wallet_users', 'blockhash'),
                ('email_access', 'created_at'),
                ('email_access', 'updated_at'),
                ('encrypted_emails', 'created_at'),
                ('encrypted_emails', 'updated_at'),
                ('events', 'is_deleted'),
                ('muted_users', 'blocknumber'),
                ('playlists', 'is_stream_gated'),
                ('reactions', 'blocknumber'),
                ('track_downloads', 'user_id'),
                ('tracks', 'is_stream_gated'),
                ('tracks', 'is_download_gated')
        ) AS loose (table_name, column_name)
        JOIN pg_attribute
            ON attrelid = to_regclass(table_name) AND attname = column_name AND attnotnull
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', tight.tab, tight.col);
    END LOOP;
END
$$;

DO $$
BEGIN
    IF (
        SELECT atttypid = 'integer'::regtype FROM pg_attribute
        WHERE attrelid = 'comments'::regclass AND attname = 'track_timestamp_s'
    ) THEN
        ALTER TABLE comments ALTER COLUMN track_timestamp_s TYPE bigint;
    END IF;
    IF (
        SELECT pg_get_constraintdef(oid) = 'PRIMARY KEY (wallet)' FROM pg_constraint
        WHERE conrelid = 'dashboard_wallet_users'::regclass AND contype = 'p'
    ) THEN
        ALTER TABLE dashboard_wallet_users
            DROP CONSTRAINT dashboard_wallet_users_pkey,
            ADD CONSTRAINT dashboard_wallet_users_pkey PRIMARY KEY (user_id, wallet);
    END IF;
END
$$;
