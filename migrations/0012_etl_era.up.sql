-- What the Go indexer of 2026 writes and the Python one did not: tables and columns that production
-- got since. Where the two need different keys, the schema takes the looser one.

CREATE TABLE IF NOT EXISTS track_collaborators (
    track_id             integer   NOT NULL,
    collaborator_user_id integer   NOT NULL,
    invited_by           integer   NOT NULL,
    status               text      NOT NULL DEFAULT 'pending',
    created_at           timestamp NOT NULL,
    updated_at           timestamp NOT NULL,
    txhash               varchar   NOT NULL,
    blocknumber          integer,
    CONSTRAINT track_collaborators_pkey PRIMARY KEY (track_id, collaborator_user_id),
    CONSTRAINT track_collaborators_status_check
        CHECK (status = ANY (ARRAY['pending', 'accepted', 'rejected']))
);
CREATE INDEX IF NOT EXISTS idx_track_collaborators_collaborator
    ON track_collaborators (collaborator_user_id, status, track_id);

CREATE TABLE IF NOT EXISTS oauth_redirect_uris (
    id           serial       NOT NULL,
    client_id    varchar(255) NOT NULL,
    redirect_uri text         NOT NULL,
    created_at   timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT oauth_redirect_uris_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS idx_oauth_redirect_uris_client_id ON oauth_redirect_uris (client_id);

CREATE TABLE IF NOT EXISTS user_distinct_play_hours (
    user_id         integer     NOT NULL,
    hours_with_play integer     NOT NULL DEFAULT 0,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_distinct_play_hours_pkey PRIMARY KEY (user_id)
);

CREATE TABLE IF NOT EXISTS user_distinct_play_tracks (
    user_id     integer     NOT NULL,
    track_count integer     NOT NULL DEFAULT 0,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_distinct_play_tracks_pkey PRIMARY KEY (user_id)
);

ALTER TABLE users ADD COLUMN IF NOT EXISTS coin_flair_mint text;
ALTER TABLE tracks ADD COLUMN IF NOT EXISTS access_authorities text[];
ALTER TABLE subscriptions ADD COLUMN IF NOT EXISTS entity_type text NOT NULL DEFAULT 'User';
ALTER TABLE subscriptions ADD COLUMN IF NOT EXISTS entity_id integer;
ALTER TABLE comments ADD COLUMN IF NOT EXISTS is_members_only boolean NOT NULL DEFAULT false;
ALTER TABLE comments ADD COLUMN IF NOT EXISTS video_url text;

-- Under production's name where this program made the table, else under a name of its own.
CREATE INDEX IF NOT EXISTS ix_subscriptions_entity_type_entity_id
    ON subscriptions (entity_type, entity_id);
CREATE INDEX IF NOT EXISTS audius_etl_subscriptions_entity_idx
    ON subscriptions (entity_type, entity_id);

CREATE INDEX IF NOT EXISTS comment_threads_comment_id_idx ON comment_threads (comment_id);
CREATE INDEX IF NOT EXISTS audius_etl_comment_threads_comment_idx
    ON comment_threads (comment_id);

CREATE INDEX IF NOT EXISTS audius_etl_addresses_address_idx ON etl_addresses (address);
CREATE INDEX IF NOT EXISTS audius_etl_users_wallet_lower_idx ON users (lower(wallet));

-- The expression is that of the lookup's definition, word for word.
CREATE INDEX IF NOT EXISTS audius_etl_tracks_unusual_remix_parent_idx ON tracks ((
    CASE WHEN (remix_of #> '{tracks,0,parent_track_id}')::text !~ '^(null|-?[0-9]{1,9})$' THEN
        1::bigint
    END
));

-- As in production, the sequence belongs to no column: who restores rows does not set it.

ALTER SEQUENCE notification_id_seq OWNED BY NONE;

-- An app has a row per change now, and what has one current row per identity in both eras is held to
-- it. Users, follows and subscriptions of the Python era may have several.

ALTER TABLE developer_apps DROP CONSTRAINT IF EXISTS unique_developer_apps_address;
CREATE UNIQUE INDEX IF NOT EXISTS saves_current_uniq_idx
    ON saves (user_id, save_item_id, save_type) WHERE is_current = true;
CREATE UNIQUE INDEX IF NOT EXISTS reposts_current_uniq_idx
    ON reposts (user_id, repost_item_id, repost_type) WHERE is_current = true;
