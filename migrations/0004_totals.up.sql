-- Plays, purchases, balances, and the totals that triggers keep over everything else.

-- Enumerations.

CREATE TYPE usdc_purchase_content_type AS ENUM ('track', 'playlist', 'album');

-- Plays.

CREATE TABLE IF NOT EXISTS plays (
    id           serial    NOT NULL,
    user_id      integer,
    source       varchar,
    play_item_id integer   NOT NULL,
    created_at   timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at   timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    slot         integer,
    signature    varchar,
    city         varchar,
    region       varchar,
    country      varchar,
    CONSTRAINT plays_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS ix_plays_created_at ON plays (created_at);
CREATE INDEX IF NOT EXISTS ix_plays_slot ON plays (slot);
CREATE INDEX IF NOT EXISTS ix_plays_sol_signature ON plays (signature);
CREATE INDEX IF NOT EXISTS ix_plays_user_track_date ON plays (user_id, play_item_id, created_at)
    WHERE user_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS aggregate_plays (
    play_item_id integer NOT NULL,
    count        bigint,
    CONSTRAINT play_item_id_pkey PRIMARY KEY (play_item_id)
);

CREATE TABLE IF NOT EXISTS aggregate_monthly_plays (
    play_item_id integer NOT NULL,
    timestamp    date    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    count        integer NOT NULL,
    country      text    NOT NULL DEFAULT '',
    CONSTRAINT aggregate_monthly_plays_pkey PRIMARY KEY (play_item_id, timestamp, country)
);

CREATE TABLE IF NOT EXISTS hourly_play_counts (
    hourly_timestamp timestamp NOT NULL,
    play_count       integer   NOT NULL,
    CONSTRAINT hourly_play_counts_pkey PRIMARY KEY (hourly_timestamp)
);

-- Totals and milestones.

CREATE TABLE IF NOT EXISTS aggregate_user (
    user_id              integer NOT NULL,
    track_count          bigint  DEFAULT 0,
    playlist_count       bigint  DEFAULT 0,
    album_count          bigint  DEFAULT 0,
    follower_count       bigint  DEFAULT 0,
    following_count      bigint  DEFAULT 0,
    repost_count         bigint  DEFAULT 0,
    track_save_count     bigint  DEFAULT 0,
    supporter_count      integer NOT NULL DEFAULT 0,
    supporting_count     integer NOT NULL DEFAULT 0,
    dominant_genre       varchar,
    dominant_genre_count integer DEFAULT 0,
    score                integer DEFAULT 0,
    total_track_count    bigint  DEFAULT 0,
    track_share_count    integer DEFAULT 0,
    CONSTRAINT aggregate_user_table_pkey PRIMARY KEY (user_id)
);
CREATE INDEX IF NOT EXISTS idx_aggregate_user_follower_count
    ON aggregate_user (user_id, follower_count);
CREATE INDEX IF NOT EXISTS idx_genre_related_artists
    ON aggregate_user (dominant_genre, follower_count, user_id);

CREATE TABLE IF NOT EXISTS aggregate_track (
    track_id      integer NOT NULL,
    repost_count  integer NOT NULL DEFAULT 0,
    save_count    integer NOT NULL DEFAULT 0,
    comment_count integer DEFAULT 0,
    share_count   integer DEFAULT 0,
    CONSTRAINT aggregate_track_table_pkey PRIMARY KEY (track_id)
);

CREATE TABLE IF NOT EXISTS aggregate_playlist (
    playlist_id  integer NOT NULL,
    is_album     boolean,
    repost_count integer DEFAULT 0,
    save_count   integer DEFAULT 0,
    share_count  integer DEFAULT 0,
    CONSTRAINT aggregate_playlist_pkey PRIMARY KEY (playlist_id)
);

CREATE TABLE IF NOT EXISTS aggregate_user_tips (
    sender_user_id   integer NOT NULL,
    receiver_user_id integer NOT NULL,
    amount           bigint  NOT NULL,
    CONSTRAINT aggregate_user_tips_pkey PRIMARY KEY (sender_user_id, receiver_user_id)
);
CREATE INDEX IF NOT EXISTS ix_aggregate_user_tips_receiver_user_id
    ON aggregate_user_tips (receiver_user_id);

CREATE TABLE IF NOT EXISTS milestones (
    id          integer   NOT NULL,
    name        varchar   NOT NULL,
    threshold   integer   NOT NULL,
    blocknumber integer,
    slot        integer,
    timestamp   timestamp NOT NULL,
    CONSTRAINT milestones_pkey PRIMARY KEY (id, name, threshold)
);
CREATE INDEX IF NOT EXISTS milestones_name_idx ON milestones (name, id);

-- Purchases, balances, artist coins.

CREATE TABLE IF NOT EXISTS usdc_purchases (
    slot           integer                    NOT NULL,
    signature      varchar                    NOT NULL,
    buyer_user_id  integer                    NOT NULL,
    seller_user_id integer                    NOT NULL,
    amount         bigint                     NOT NULL,
    content_type   usdc_purchase_content_type NOT NULL,
    content_id     integer                    NOT NULL,
    created_at     timestamp                  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at     timestamp                  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    extra_amount   bigint                     NOT NULL DEFAULT 0,
    access         usdc_purchase_access_type  NOT NULL DEFAULT 'stream',
    city           varchar,
    region         varchar,
    country        varchar,
    vendor         varchar,
    splits         jsonb                      NOT NULL,
    CONSTRAINT usdc_purchases_pkey PRIMARY KEY (slot, signature)
);
CREATE INDEX IF NOT EXISTS idx_usdc_purchases_buyer ON usdc_purchases (buyer_user_id);
CREATE INDEX IF NOT EXISTS idx_usdc_purchases_seller ON usdc_purchases (seller_user_id);
CREATE INDEX IF NOT EXISTS idx_usdc_purchases_type ON usdc_purchases (content_type);

CREATE TABLE IF NOT EXISTS user_balances (
    user_id                        serial    NOT NULL,
    balance                        varchar   NOT NULL,
    created_at                     timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at                     timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    associated_wallets_balance     varchar   NOT NULL DEFAULT '0',
    waudio                         varchar   DEFAULT '0',
    associated_sol_wallets_balance varchar   NOT NULL DEFAULT '0',
    CONSTRAINT user_balances_pkey PRIMARY KEY (user_id)
);

CREATE TABLE IF NOT EXISTS user_balance_changes (
    user_id          serial    NOT NULL,
    blocknumber      integer   NOT NULL,
    current_balance  varchar   NOT NULL,
    previous_balance varchar   NOT NULL,
    created_at       timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at       timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT user_balance_changes_pkey PRIMARY KEY (user_id)
);

CREATE TABLE IF NOT EXISTS sol_user_balances (
    user_id    integer   NOT NULL,
    mint       text      NOT NULL,
    balance    bigint    NOT NULL,
    updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT sol_user_balances_pkey PRIMARY KEY (user_id, mint)
);
CREATE INDEX IF NOT EXISTS sol_user_balances_mint_user_id_idx ON sol_user_balances (mint, user_id);

CREATE TABLE IF NOT EXISTS artist_coins (
    mint        varchar   NOT NULL,
    ticker      varchar   NOT NULL,
    user_id     integer   NOT NULL,
    decimals    integer   NOT NULL,
    created_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    logo_uri    text,
    description text,
    website     text,
    name        text      NOT NULL DEFAULT '',
    dbc_pool    text,
    CONSTRAINT artist_coins_pkey PRIMARY KEY (mint),
    CONSTRAINT artist_coins_ticker_unique UNIQUE (ticker)
);
CREATE INDEX IF NOT EXISTS artist_coins_ticker_idx ON artist_coins (ticker, user_id);
CREATE INDEX IF NOT EXISTS artist_coins_user_id_idx ON artist_coins (user_id);

CREATE TABLE IF NOT EXISTS artist_coin_stats (
    mint                             text             NOT NULL,
    market_cap                       double precision,
    fdv                              double precision,
    liquidity                        double precision,
    last_trade_unix_time             bigint,
    last_trade_human_time            text,
    price                            double precision,
    history_24h_price                double precision,
    price_change_24h_percent         double precision,
    unique_wallet_24h                integer,
    unique_wallet_history_24h        integer,
    unique_wallet_24h_change_percent double precision,
    total_supply                     double precision,
    circulating_supply               double precision,
    holder                           integer,
    trade_24h                        integer,
    trade_history_24h                integer,
    trade_24h_change_percent         double precision,
    sell_24h                         integer,
    sell_history_24h                 integer,
    sell_24h_change_percent          double precision,
    buy_24h                          integer,
    buy_history_24h                  integer,
    buy_24h_change_percent           double precision,
    v_24h                            double precision,
    v_24h_usd                        double precision,
    v_history_24h                    double precision,
    v_history_24h_usd                double precision,
    v_24h_change_percent             double precision,
    v_buy_24h                        double precision,
    v_buy_24h_usd                    double precision,
    v_buy_history_24h                double precision,
    v_buy_history_24h_usd            double precision,
    v_buy_24h_change_percent         double precision,
    v_sell_24h                       double precision,
    v_sell_24h_usd                   double precision,
    v_sell_history_24h               double precision,
    v_sell_history_24h_usd           double precision,
    v_sell_24h_change_percent        double precision,
    number_markets                   integer,
    created_at                       timestamp        NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at                       timestamp        NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT artist_coin_stats_pkey PRIMARY KEY (mint)
);
