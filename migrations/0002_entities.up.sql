-- Blocks, users, tracks, playlists, developer apps and events: production's tables under
-- production's names. Where a table is there already, only columns that it lacks are added.

-- Enumerations.

CREATE TYPE skippedtransactionlevel AS ENUM ('node', 'network');

CREATE TYPE profile_type_enum AS ENUM ('label');

CREATE TYPE wallet_chain AS ENUM ('eth', 'sol');

CREATE TYPE parental_warning_type AS ENUM (
    'explicit', 'explicit_content_edited', 'not_explicit',
    'no_advice_available'
);

CREATE TYPE usdc_purchase_access_type AS ENUM ('stream', 'download');

CREATE TYPE event_type AS ENUM ('remix_contest', 'live_event', 'new_release');

CREATE TYPE event_entity_type AS ENUM ('track', 'collection', 'user');

-- Territory codes of a track: none at all, or at least one, each two capitals.
CREATE FUNCTION validate_territory_codes(codes text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $fn$
        SELECT codes IS NULL
            OR (cardinality(codes) >= 1
                AND NOT EXISTS (SELECT FROM unnest(codes) AS code WHERE code !~ '^[A-Z]{2}$'))
    $fn$;

-- Blocks and their bookkeeping. `blocks` comes first: nearly every other table refers to it.

CREATE TABLE IF NOT EXISTS blocks (
    blockhash  varchar NOT NULL,
    parenthash varchar,
    is_current boolean,
    number     integer,
    CONSTRAINT blocks_pkey PRIMARY KEY (blockhash),
    CONSTRAINT blocks_number_key UNIQUE (number)
);
CREATE UNIQUE INDEX IF NOT EXISTS blocks_is_current_idx ON blocks (is_current)
    WHERE is_current IS TRUE;
CREATE INDEX IF NOT EXISTS is_current_blocks_idx ON blocks (is_current);

CREATE TABLE IF NOT EXISTS core_indexed_blocks (
    blockhash  varchar NOT NULL,
    parenthash varchar,
    chain_id   text    NOT NULL,
    height     integer NOT NULL,
    plays_slot integer DEFAULT 0,
    em_block   integer,
    CONSTRAINT pk_chain_id_height PRIMARY KEY (chain_id, height)
);
CREATE INDEX IF NOT EXISTS idx_chain_blockhash ON core_indexed_blocks (blockhash);
CREATE INDEX IF NOT EXISTS idx_chain_id_height ON core_indexed_blocks (chain_id, height);

CREATE TABLE IF NOT EXISTS revert_blocks (
    blocknumber  integer NOT NULL,
    prev_records jsonb   NOT NULL,
    CONSTRAINT revert_blocks_pkey PRIMARY KEY (blocknumber),
    CONSTRAINT revert_blocks_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS skipped_transactions (
    id          serial                  NOT NULL,
    blocknumber integer                 NOT NULL,
    blockhash   varchar                 NOT NULL,
    txhash      varchar                 NOT NULL,
    created_at  timestamp               NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  timestamp               NOT NULL DEFAULT CURRENT_TIMESTAMP,
    level       skippedtransactionlevel NOT NULL DEFAULT 'node',
    CONSTRAINT skipped_transactions_pkey PRIMARY KEY (id)
);

-- Users, their wallets, apps and mail.

CREATE TABLE IF NOT EXISTS users (
    blockhash                 varchar,
    user_id                   integer           NOT NULL,
    is_current                boolean           NOT NULL,
    handle                    varchar,
    wallet                    varchar,
    name                      text,
    profile_picture           varchar,
    cover_photo               varchar,
    bio                       varchar,
    location                  varchar,
    metadata_multihash        varchar,
    creator_node_endpoint     varchar,
    blocknumber               integer,
    is_verified               boolean           NOT NULL DEFAULT false,
    created_at                timestamp         NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at                timestamp         NOT NULL DEFAULT CURRENT_TIMESTAMP,
    handle_lc                 varchar,
    cover_photo_sizes         varchar,
    profile_picture_sizes     varchar,
    primary_id                integer,
    secondary_ids             integer[],
    replica_set_update_signer varchar,
    has_collectibles          boolean           NOT NULL DEFAULT false,
    txhash                    varchar           NOT NULL DEFAULT '',
    playlist_library          jsonb,
    is_deactivated            boolean           NOT NULL DEFAULT false,
    slot                      integer,
    user_storage_account      varchar,
    user_authority_account    varchar,
    artist_pick_track_id      integer,
    is_available              boolean           NOT NULL DEFAULT true,
    is_storage_v2             boolean           NOT NULL DEFAULT false,
    allow_ai_attribution      boolean           NOT NULL DEFAULT false,
    spl_usdc_payout_wallet    varchar,
    twitter_handle            varchar,
    instagram_handle          varchar,
    tiktok_handle             varchar,
    verified_with_twitter     boolean           DEFAULT false,
    verified_with_instagram   boolean           DEFAULT false,
    verified_with_tiktok      boolean           DEFAULT false,
    website                   varchar,
    donation                  varchar,
    profile_type              profile_type_enum,
    CONSTRAINT users_pkey PRIMARY KEY (user_id, txhash),
    CONSTRAINT users_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS idx_lower_wallet ON users (lower(wallet::text));
CREATE INDEX IF NOT EXISTS idx_user_status
    ON users (user_id, is_deactivated, is_available, is_current);
CREATE INDEX IF NOT EXISTS ix_user_created_at ON users (created_at, user_id, is_current);
CREATE INDEX IF NOT EXISTS ix_users_active_count
    ON users (is_deactivated, is_current, handle_lc, is_available)
    WHERE is_deactivated = false AND is_current = true AND handle_lc IS NOT NULL AND is_available = true;
CREATE INDEX IF NOT EXISTS users_new_blocknumber_idx ON users (blocknumber);
CREATE INDEX IF NOT EXISTS users_new_handle_lc_idx ON users (handle_lc);
CREATE INDEX IF NOT EXISTS users_new_wallet_idx ON users (wallet);

CREATE TABLE IF NOT EXISTS user_events (
    id             serial  NOT NULL,
    blockhash      varchar,
    blocknumber    integer,
    is_current     boolean NOT NULL,
    user_id        integer NOT NULL,
    referrer       integer,
    is_mobile_user boolean NOT NULL DEFAULT false,
    slot           integer,
    CONSTRAINT user_events_pkey PRIMARY KEY (id),
    CONSTRAINT user_events_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_events_user_id_idx ON user_events (user_id);

CREATE TABLE IF NOT EXISTS user_payout_wallet_history (
    user_id                integer   NOT NULL,
    spl_usdc_payout_wallet varchar,
    blocknumber            integer   NOT NULL,
    block_timestamp        timestamp NOT NULL,
    created_at             timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT user_payout_wallet_history_pkey PRIMARY KEY (user_id, block_timestamp),
    CONSTRAINT user_payout_wallet_history_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS user_pubkeys (
    user_id       integer NOT NULL,
    pubkey_base64 text    NOT NULL,
    CONSTRAINT user_pubkeys_pkey PRIMARY KEY (user_id)
);

CREATE TABLE IF NOT EXISTS user_bank_accounts (
    signature        varchar   NOT NULL,
    ethereum_address varchar   NOT NULL,
    created_at       timestamp NOT NULL,
    bank_account     varchar   NOT NULL,
    CONSTRAINT user_bank_accounts_pkey PRIMARY KEY (signature)
);
CREATE INDEX IF NOT EXISTS idx_user_bank_eth_address ON user_bank_accounts (ethereum_address);

CREATE TABLE IF NOT EXISTS associated_wallets (
    id          serial       NOT NULL,
    user_id     integer      NOT NULL,
    wallet      varchar      NOT NULL,
    blockhash   varchar      NOT NULL,
    blocknumber integer      NOT NULL,
    is_current  boolean      NOT NULL,
    is_delete   boolean      NOT NULL,
    chain       wallet_chain NOT NULL,
    CONSTRAINT associated_wallets_pkey PRIMARY KEY (id),
    CONSTRAINT unique_user_wallet_chain UNIQUE (user_id, wallet, chain),
    CONSTRAINT associated_wallets_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS ix_associated_wallets_user_id ON associated_wallets (user_id);
CREATE INDEX IF NOT EXISTS ix_associated_wallets_wallet ON associated_wallets (wallet);

CREATE TABLE IF NOT EXISTS collectibles (
    user_id     integer     NOT NULL,
    data        jsonb       NOT NULL,
    blockhash   text        NOT NULL,
    blocknumber integer     NOT NULL,
    created_at  timestamptz DEFAULT now(),
    updated_at  timestamptz DEFAULT now(),
    CONSTRAINT pk_user_id PRIMARY KEY (user_id),
    CONSTRAINT collectibles_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS dashboard_wallet_users (
    wallet      varchar   NOT NULL,
    user_id     integer   NOT NULL,
    is_delete   boolean   NOT NULL DEFAULT false,
    updated_at  timestamp NOT NULL,
    created_at  timestamp NOT NULL,
    blockhash   varchar,
    blocknumber integer,
    txhash      varchar   NOT NULL,
    CONSTRAINT dashboard_wallet_users_pkey PRIMARY KEY (user_id, wallet),
    CONSTRAINT dashboard_wallet_users_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS developer_apps (
    address            varchar      NOT NULL,
    blockhash          varchar,
    blocknumber        integer,
    user_id            integer,
    name               varchar      NOT NULL,
    is_personal_access boolean      NOT NULL DEFAULT false,
    is_delete          boolean      NOT NULL DEFAULT false,
    created_at         timestamp    NOT NULL,
    txhash             varchar      NOT NULL,
    is_current         boolean      NOT NULL,
    updated_at         timestamp    NOT NULL,
    description        varchar(255),
    image_url          varchar,
    CONSTRAINT developer_apps_pkey PRIMARY KEY (address, txhash),
    CONSTRAINT unique_developer_apps_address UNIQUE (address),
    CONSTRAINT developer_apps_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS grants (
    blockhash       varchar,
    blocknumber     integer,
    grantee_address varchar   NOT NULL,
    user_id         integer   NOT NULL,
    is_revoked      boolean   NOT NULL DEFAULT false,
    is_current      boolean   NOT NULL,
    is_approved     boolean,
    updated_at      timestamp NOT NULL,
    created_at      timestamp NOT NULL,
    txhash          varchar   NOT NULL,
    CONSTRAINT grants_pkey PRIMARY KEY (grantee_address, user_id, txhash),
    CONSTRAINT grants_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS encrypted_emails (
    id                  serial      NOT NULL,
    email_owner_user_id integer     NOT NULL,
    encrypted_email     text        NOT NULL,
    created_at          timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at          timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT encrypted_emails_pkey PRIMARY KEY (id),
    CONSTRAINT encrypted_emails_email_owner_user_id_key UNIQUE (email_owner_user_id)
);
CREATE INDEX IF NOT EXISTS idx_encrypted_emails_email_address_owner_user_id
    ON encrypted_emails (email_owner_user_id);

CREATE TABLE IF NOT EXISTS email_access (
    id                  serial      NOT NULL,
    email_owner_user_id integer     NOT NULL,
    receiving_user_id   integer     NOT NULL,
    grantor_user_id     integer     NOT NULL,
    encrypted_key       text        NOT NULL,
    created_at          timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at          timestamptz DEFAULT CURRENT_TIMESTAMP,
    is_initial          boolean     NOT NULL DEFAULT false,
    CONSTRAINT email_access_pkey PRIMARY KEY (id),
    CONSTRAINT email_access_email_owner_user_id_receiving_user_id_grantor__key UNIQUE (email_owner_user_id, receiving_user_id, grantor_user_id)
);
CREATE INDEX IF NOT EXISTS idx_email_access_grantor ON email_access (grantor_user_id);
CREATE INDEX IF NOT EXISTS idx_email_access_receiver ON email_access (receiving_user_id);

-- Tracks.

CREATE TABLE IF NOT EXISTS tracks (
    blockhash                             varchar,
    track_id                              integer               NOT NULL,
    is_current                            boolean               NOT NULL,
    is_delete                             boolean               NOT NULL,
    owner_id                              integer               NOT NULL,
    title                                 text,
    cover_art                             varchar,
    tags                                  varchar,
    genre                                 varchar,
    mood                                  varchar,
    credits_splits                        varchar,
    create_date                           varchar,
    file_type                             varchar,
    metadata_multihash                    varchar,
    blocknumber                           integer,
    created_at                            timestamp             NOT NULL,
    description                           varchar,
    isrc                                  varchar,
    iswc                                  varchar,
    license                               varchar,
    updated_at                            timestamp             NOT NULL,
    cover_art_sizes                       varchar,
    is_unlisted                           boolean               NOT NULL DEFAULT false,
    field_visibility                      jsonb,
    route_id                              varchar,
    stem_of                               jsonb,
    remix_of                              jsonb,
    txhash                                varchar               NOT NULL DEFAULT '',
    slot                                  integer,
    is_available                          boolean               NOT NULL DEFAULT true,
    stream_conditions                     jsonb,
    track_cid                             varchar,
    is_playlist_upload                    boolean               NOT NULL DEFAULT false,
    duration                              integer               DEFAULT 0,
    ai_attribution_user_id                integer,
    preview_cid                           varchar,
    audio_upload_id                       varchar,
    preview_start_seconds                 double precision,
    release_date                          timestamp,
    track_segments                        jsonb                 NOT NULL DEFAULT '[]',
    is_scheduled_release                  boolean               NOT NULL DEFAULT false,
    is_downloadable                       boolean               NOT NULL DEFAULT false,
    download_conditions                   jsonb,
    is_original_available                 boolean               NOT NULL DEFAULT false,
    orig_file_cid                         varchar,
    orig_filename                         varchar,
    playlists_containing_track            integer[]             NOT NULL DEFAULT '{}',
    placement_hosts                       text,
    ddex_app                              varchar,
    ddex_release_ids                      jsonb,
    artists                               jsonb,
    resource_contributors                 jsonb,
    indirect_resource_contributors        jsonb,
    rights_controller                     jsonb,
    copyright_line                        jsonb,
    producer_copyright_line               jsonb,
    parental_warning_type                 varchar,
    playlists_previously_containing_track jsonb                 NOT NULL DEFAULT jsonb_build_object(),
    allowed_api_keys                      text[],
    bpm                                   double precision,
    musical_key                           varchar,
    audio_analysis_error_count            integer               NOT NULL DEFAULT 0,
    is_custom_bpm                         boolean               DEFAULT false,
    is_custom_musical_key                 boolean               DEFAULT false,
    comments_disabled                     boolean               DEFAULT false,
    pinned_comment_id                     integer,
    cover_original_song_title             varchar,
    cover_original_artist                 varchar,
    is_owned_by_user                      boolean               NOT NULL DEFAULT false,
    is_stream_gated                       boolean               DEFAULT false,
    is_download_gated                     boolean               DEFAULT false,
    no_ai_use                             boolean               DEFAULT false,
    parental_warning                      parental_warning_type,
    territory_codes                       text[],
    CONSTRAINT tracks_pkey PRIMARY KEY (track_id, txhash),
    CONSTRAINT check_territory_codes CHECK (validate_territory_codes(territory_codes)),
    CONSTRAINT tracks_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS fix_tracks_top_genre_users_idx
    ON tracks (track_id, owner_id, genre, is_unlisted, is_delete)
    WHERE stem_of IS NULL;
CREATE INDEX IF NOT EXISTS idx_ddex_release_ids ON tracks USING gin (ddex_release_ids);
CREATE INDEX IF NOT EXISTS idx_track_status
    ON tracks (track_id, is_unlisted, is_available, is_delete, is_current);
CREATE INDEX IF NOT EXISTS idx_tracks_stream_conditions_gin
    ON tracks USING gin (stream_conditions);
CREATE INDEX IF NOT EXISTS track_created_at_idx ON tracks (created_at);
CREATE INDEX IF NOT EXISTS track_owner_id_idx ON tracks (owner_id);
CREATE INDEX IF NOT EXISTS track_owner_idx ON tracks (owner_id, created_at);
CREATE INDEX IF NOT EXISTS tracks_ai_attribution_user_id ON tracks (ai_attribution_user_id)
    WHERE ai_attribution_user_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS tracks_blocknumber_idx ON tracks (blocknumber);
CREATE INDEX IF NOT EXISTS tracks_track_cid_idx ON tracks (track_cid, is_delete);

CREATE TABLE IF NOT EXISTS track_routes (
    slug         varchar NOT NULL,
    title_slug   varchar NOT NULL,
    collision_id integer NOT NULL,
    owner_id     integer NOT NULL,
    track_id     integer NOT NULL,
    is_current   boolean NOT NULL,
    blockhash    varchar NOT NULL,
    blocknumber  integer NOT NULL,
    txhash       varchar NOT NULL,
    CONSTRAINT track_routes_pkey PRIMARY KEY (owner_id, slug)
);
CREATE INDEX IF NOT EXISTS track_routes_track_id_idx ON track_routes (track_id);

CREATE TABLE IF NOT EXISTS track_price_history (
    track_id          integer                   NOT NULL,
    splits            jsonb                     NOT NULL,
    total_price_cents bigint                    NOT NULL,
    blocknumber       integer                   NOT NULL,
    block_timestamp   timestamp                 NOT NULL,
    created_at        timestamp                 NOT NULL DEFAULT CURRENT_TIMESTAMP,
    access            usdc_purchase_access_type NOT NULL DEFAULT 'stream',
    CONSTRAINT track_price_history_pkey PRIMARY KEY (track_id, block_timestamp),
    CONSTRAINT track_price_history_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS track_downloads (
    txhash          varchar   NOT NULL,
    blocknumber     integer   NOT NULL,
    parent_track_id integer   NOT NULL,
    track_id        integer   NOT NULL,
    user_id         integer,
    created_at      timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    city            varchar,
    region          varchar,
    country         varchar,
    CONSTRAINT track_downloads_pkey PRIMARY KEY (parent_track_id, track_id, txhash),
    CONSTRAINT track_downloads_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS stems (
    parent_track_id integer NOT NULL,
    child_track_id  integer NOT NULL,
    CONSTRAINT stems_pkey PRIMARY KEY (parent_track_id, child_track_id)
);

CREATE TABLE IF NOT EXISTS remixes (
    parent_track_id integer NOT NULL,
    child_track_id  integer NOT NULL,
    CONSTRAINT remixes_pkey PRIMARY KEY (parent_track_id, child_track_id)
);
CREATE INDEX IF NOT EXISTS remixes_child_idx ON remixes (child_track_id, parent_track_id);

CREATE TABLE IF NOT EXISTS cid_data (
    cid  varchar NOT NULL,
    type varchar,
    data jsonb,
    CONSTRAINT cid_data_pkey PRIMARY KEY (cid)
);

-- Playlists and albums.

CREATE TABLE IF NOT EXISTS playlists (
    blockhash                      varchar,
    blocknumber                    integer,
    playlist_id                    integer   NOT NULL,
    playlist_owner_id              integer   NOT NULL,
    is_album                       boolean   NOT NULL,
    is_private                     boolean   NOT NULL,
    playlist_name                  varchar,
    playlist_contents              jsonb     NOT NULL,
    playlist_image_multihash       varchar,
    is_current                     boolean   NOT NULL,
    is_delete                      boolean   NOT NULL,
    description                    varchar,
    created_at                     timestamp NOT NULL,
    upc                            varchar,
    updated_at                     timestamp NOT NULL,
    playlist_image_sizes_multihash varchar,
    txhash                         varchar   NOT NULL DEFAULT '',
    last_added_to                  timestamp,
    slot                           integer,
    metadata_multihash             varchar,
    is_image_autogenerated         boolean   NOT NULL DEFAULT false,
    stream_conditions              jsonb,
    ddex_app                       varchar,
    ddex_release_ids               jsonb,
    artists                        jsonb,
    copyright_line                 jsonb,
    producer_copyright_line        jsonb,
    parental_warning_type          varchar,
    is_scheduled_release           boolean   NOT NULL DEFAULT false,
    release_date                   timestamp,
    is_stream_gated                boolean   DEFAULT false,
    CONSTRAINT playlists_pkey PRIMARY KEY (playlist_id, txhash),
    CONSTRAINT playlists_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS idx_playlist_status
    ON playlists (playlist_id, is_album, is_private, is_delete, is_current);
CREATE INDEX IF NOT EXISTS playlist_created_at_idx ON playlists (created_at);
CREATE INDEX IF NOT EXISTS playlist_owner_idx ON playlists (playlist_owner_id, created_at);
CREATE INDEX IF NOT EXISTS playlists_blocknumber_idx ON playlists (blocknumber);

CREATE TABLE IF NOT EXISTS playlist_routes (
    slug         varchar NOT NULL,
    title_slug   varchar NOT NULL,
    collision_id integer NOT NULL,
    owner_id     integer NOT NULL,
    playlist_id  integer NOT NULL,
    is_current   boolean NOT NULL,
    blockhash    varchar NOT NULL,
    blocknumber  integer NOT NULL,
    txhash       varchar NOT NULL,
    CONSTRAINT playlist_routes_pkey PRIMARY KEY (owner_id, slug)
);
CREATE INDEX IF NOT EXISTS playlist_routes_playlist_id_idx ON playlist_routes (playlist_id);

CREATE TABLE IF NOT EXISTS playlist_tracks (
    playlist_id integer     NOT NULL,
    track_id    integer     NOT NULL,
    is_removed  boolean     NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT playlist_tracks_pkey PRIMARY KEY (playlist_id, track_id)
);
CREATE INDEX IF NOT EXISTS idx_playlist_tracks_track_id ON playlist_tracks (track_id, created_at);

CREATE TABLE IF NOT EXISTS playlist_seen (
    user_id     integer   NOT NULL,
    playlist_id integer   NOT NULL,
    seen_at     timestamp NOT NULL,
    is_current  boolean   NOT NULL,
    blocknumber integer,
    blockhash   varchar,
    txhash      varchar,
    CONSTRAINT playlist_seen_pkey PRIMARY KEY (user_id, playlist_id, seen_at),
    CONSTRAINT playlist_seen_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS album_price_history (
    playlist_id       integer   NOT NULL,
    splits            jsonb     NOT NULL,
    total_price_cents bigint    NOT NULL,
    blocknumber       integer   NOT NULL,
    block_timestamp   timestamp NOT NULL,
    created_at        timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT album_price_history_pkey PRIMARY KEY (playlist_id, block_timestamp),
    CONSTRAINT album_price_history_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

-- Events (remix contests, live events, releases).

CREATE TABLE IF NOT EXISTS events (
    event_id    integer           NOT NULL,
    event_type  event_type        NOT NULL,
    user_id     integer           NOT NULL,
    entity_type event_entity_type,
    entity_id   integer,
    end_date    timestamp,
    is_deleted  boolean           DEFAULT false,
    event_data  jsonb,
    created_at  timestamp         NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  timestamp         NOT NULL DEFAULT CURRENT_TIMESTAMP,
    txhash      text              NOT NULL,
    blockhash   text              NOT NULL,
    blocknumber integer,
    CONSTRAINT events_pkey PRIMARY KEY (event_id),
    CONSTRAINT events_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number)
);
CREATE INDEX IF NOT EXISTS idx_events_created_at ON events (created_at);
CREATE INDEX IF NOT EXISTS idx_events_end_date ON events (end_date);
CREATE INDEX IF NOT EXISTS idx_events_entity_id ON events (entity_id);
CREATE INDEX IF NOT EXISTS idx_events_entity_type ON events (entity_type);
CREATE INDEX IF NOT EXISTS idx_events_event_type ON events (event_type);
