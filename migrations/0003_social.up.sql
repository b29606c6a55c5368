-- What users do with each other's work: follows, saves, reposts, comments, notifications, tips.

-- Enumerations.

CREATE TYPE savetype AS ENUM ('track', 'playlist', 'album');

CREATE TYPE reposttype AS ENUM ('track', 'playlist', 'album');

CREATE TYPE sharetype AS ENUM ('track', 'playlist');

CREATE TYPE challengetype AS ENUM ('boolean', 'numeric', 'aggregate', 'trending');

-- Follows, saves, reposts, subscriptions, shares, mutes.

CREATE TABLE IF NOT EXISTS follows (
    blockhash        varchar,
    blocknumber      integer,
    follower_user_id integer   NOT NULL,
    followee_user_id integer   NOT NULL,
    is_current       boolean   NOT NULL,
    is_delete        boolean   NOT NULL,
    created_at       timestamp NOT NULL,
    txhash           varchar   NOT NULL DEFAULT '',
    slot             integer,
    CONSTRAINT follows_pkey PRIMARY KEY (follower_user_id, followee_user_id, txhash),
    CONSTRAINT follows_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS follows_blocknumber_idx ON follows (blocknumber);
CREATE INDEX IF NOT EXISTS follows_inbound_idx
    ON follows (followee_user_id, follower_user_id, is_delete);
CREATE INDEX IF NOT EXISTS idx_fanout ON follows (follower_user_id, followee_user_id);
CREATE INDEX IF NOT EXISTS idx_fanout_not_deleted ON follows (follower_user_id, followee_user_id)
    WHERE is_delete = false;
CREATE INDEX IF NOT EXISTS ix_follows_followee_user_id ON follows (followee_user_id);
CREATE INDEX IF NOT EXISTS ix_follows_follower_user_id ON follows (follower_user_id);

CREATE TABLE IF NOT EXISTS saves (
    blockhash         varchar,
    blocknumber       integer,
    user_id           integer   NOT NULL,
    save_item_id      integer   NOT NULL,
    save_type         savetype  NOT NULL,
    is_current        boolean   NOT NULL,
    is_delete         boolean   NOT NULL,
    created_at        timestamp NOT NULL,
    txhash            varchar   NOT NULL DEFAULT '',
    slot              integer,
    is_save_of_repost boolean   NOT NULL DEFAULT false,
    CONSTRAINT saves_pkey PRIMARY KEY (user_id, save_item_id, save_type, txhash),
    CONSTRAINT saves_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS saves_item_idx ON saves (save_item_id, save_type, user_id, is_delete);
CREATE INDEX IF NOT EXISTS saves_new_blocknumber_idx ON saves (blocknumber);
CREATE INDEX IF NOT EXISTS saves_user_idx ON saves (user_id, save_type, save_item_id, is_delete);

CREATE TABLE IF NOT EXISTS reposts (
    blockhash           varchar,
    blocknumber         integer,
    user_id             integer    NOT NULL,
    repost_item_id      integer    NOT NULL,
    repost_type         reposttype NOT NULL,
    is_current          boolean    NOT NULL,
    is_delete           boolean    NOT NULL,
    created_at          timestamp  NOT NULL,
    txhash              varchar    NOT NULL DEFAULT '',
    slot                integer,
    is_repost_of_repost boolean    NOT NULL DEFAULT false,
    CONSTRAINT reposts_pkey PRIMARY KEY (user_id, repost_item_id, repost_type, txhash),
    CONSTRAINT reposts_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS reposts_item_idx
    ON reposts (repost_item_id, repost_type, user_id, is_delete);
CREATE INDEX IF NOT EXISTS reposts_new_blocknumber_idx ON reposts (blocknumber);
CREATE INDEX IF NOT EXISTS reposts_new_created_at_idx ON reposts (created_at);
CREATE INDEX IF NOT EXISTS reposts_user_idx
    ON reposts (user_id, repost_type, repost_item_id, created_at, is_delete);

CREATE TABLE IF NOT EXISTS subscriptions (
    blockhash     varchar,
    blocknumber   integer,
    subscriber_id integer   NOT NULL,
    user_id       integer   NOT NULL,
    is_current    boolean   NOT NULL,
    is_delete     boolean   NOT NULL,
    created_at    timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    txhash        varchar   NOT NULL DEFAULT '',
    CONSTRAINT subscriptions_pkey PRIMARY KEY (subscriber_id, user_id, txhash),
    CONSTRAINT subscriptions_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS ix_subscriptions_blocknumber ON subscriptions (blocknumber);
CREATE INDEX IF NOT EXISTS ix_subscriptions_user_id ON subscriptions (user_id);

CREATE TABLE IF NOT EXISTS shares (
    blockhash     varchar,
    blocknumber   integer,
    user_id       integer   NOT NULL,
    share_item_id integer   NOT NULL,
    share_type    sharetype NOT NULL,
    created_at    timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    txhash        varchar   NOT NULL DEFAULT '',
    slot          integer,
    CONSTRAINT shares_pkey PRIMARY KEY (user_id, share_item_id, share_type, txhash)
);
CREATE INDEX IF NOT EXISTS shares_item_idx ON shares (share_item_id, share_type, user_id);
CREATE INDEX IF NOT EXISTS shares_new_blocknumber_idx ON shares (blocknumber);
CREATE INDEX IF NOT EXISTS shares_new_created_at_idx ON shares (created_at);
CREATE INDEX IF NOT EXISTS shares_slot_idx ON shares (slot);
CREATE INDEX IF NOT EXISTS shares_user_idx
    ON shares (user_id, share_type, share_item_id, created_at);

CREATE TABLE IF NOT EXISTS muted_users (
    muted_user_id integer   NOT NULL,
    user_id       integer   NOT NULL,
    created_at    timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at    timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    is_delete     boolean   DEFAULT false,
    txhash        text      NOT NULL,
    blockhash     text      NOT NULL,
    blocknumber   integer,
    CONSTRAINT muted_users_pkey PRIMARY KEY (muted_user_id, user_id),
    CONSTRAINT muted_users_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

-- Comments.

CREATE TABLE IF NOT EXISTS comments (
    comment_id        integer   NOT NULL,
    text              text      NOT NULL,
    user_id           integer   NOT NULL,
    entity_id         integer   NOT NULL,
    entity_type       text      NOT NULL,
    track_timestamp_s bigint,
    created_at        timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at        timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    is_delete         boolean   DEFAULT false,
    is_visible        boolean   DEFAULT true,
    is_edited         boolean   DEFAULT false,
    txhash            text      NOT NULL,
    blockhash         text      NOT NULL,
    blocknumber       integer,
    CONSTRAINT comments_pkey PRIMARY KEY (comment_id),
    CONSTRAINT comments_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS comment_threads (
    comment_id        integer NOT NULL,
    parent_comment_id integer NOT NULL,
    CONSTRAINT comment_threads_pkey PRIMARY KEY (parent_comment_id, comment_id)
);

CREATE TABLE IF NOT EXISTS comment_mentions (
    comment_id  integer   NOT NULL,
    user_id     integer   NOT NULL,
    created_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    is_delete   boolean   DEFAULT false,
    txhash      text      NOT NULL,
    blockhash   text      NOT NULL,
    blocknumber integer,
    CONSTRAINT comment_mentions_pkey PRIMARY KEY (comment_id, user_id),
    CONSTRAINT comment_mentions_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS comment_reactions (
    comment_id  integer   NOT NULL,
    user_id     integer   NOT NULL,
    created_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    is_delete   boolean   DEFAULT false,
    txhash      text      NOT NULL,
    blockhash   text      NOT NULL,
    blocknumber integer,
    CONSTRAINT comment_reactions_pkey PRIMARY KEY (comment_id, user_id),
    CONSTRAINT comment_reactions_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS comment_reports (
    comment_id  integer   NOT NULL,
    user_id     integer   NOT NULL,
    created_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    is_delete   boolean   DEFAULT false,
    txhash      text      NOT NULL,
    blockhash   text      NOT NULL,
    blocknumber integer,
    CONSTRAINT comment_reports_pkey PRIMARY KEY (comment_id, user_id),
    CONSTRAINT comment_reports_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS comment_notification_settings (
    user_id     integer   NOT NULL,
    entity_id   integer   NOT NULL,
    entity_type text      NOT NULL,
    is_muted    boolean   DEFAULT false,
    created_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT comment_notification_settings_pkey PRIMARY KEY (user_id, entity_id, entity_type)
);

CREATE TABLE IF NOT EXISTS reported_comments (
    reported_comment_id integer   NOT NULL,
    user_id             integer   NOT NULL,
    created_at          timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at          timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    txhash              text      NOT NULL,
    blockhash           text      NOT NULL,
    blocknumber         integer,
    CONSTRAINT reported_comments_pkey PRIMARY KEY (reported_comment_id, user_id),
    CONSTRAINT reported_comments_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);

-- Notifications.

CREATE TABLE IF NOT EXISTS notification (
    id          serial    NOT NULL,
    specifier   varchar   NOT NULL,
    group_id    varchar   NOT NULL,
    type        varchar   NOT NULL,
    slot        integer,
    blocknumber integer,
    timestamp   timestamp NOT NULL,
    data        jsonb,
    user_ids    integer[],
    type_v2     varchar,
    CONSTRAINT notification_pkey PRIMARY KEY (id),
    CONSTRAINT uq_notification UNIQUE (group_id, specifier)
);
CREATE INDEX IF NOT EXISTS ix_announcement ON notification (type, "timestamp")
    WHERE type::text = 'announcement'::text;
CREATE INDEX IF NOT EXISTS ix_notification ON notification USING gin (user_ids);

CREATE TABLE IF NOT EXISTS notification_seen (
    user_id     integer   NOT NULL,
    seen_at     timestamp NOT NULL,
    blocknumber integer,
    blockhash   varchar,
    txhash      varchar,
    CONSTRAINT notification_seen_pkey PRIMARY KEY (user_id, seen_at),
    CONSTRAINT notification_seen_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS notification_seen_blocknumber_idx ON notification_seen (blocknumber);

-- Tips and what follows from them.

CREATE TABLE IF NOT EXISTS user_tips (
    slot             integer   NOT NULL,
    signature        varchar   NOT NULL,
    sender_user_id   integer   NOT NULL,
    receiver_user_id integer   NOT NULL,
    amount           bigint    NOT NULL,
    created_at       timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at       timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT user_tips_pkey PRIMARY KEY (slot, signature)
);
CREATE INDEX IF NOT EXISTS ix_user_tips_receiver_user_id ON user_tips (receiver_user_id);
CREATE INDEX IF NOT EXISTS ix_user_tips_sender_user_id ON user_tips (sender_user_id);
CREATE INDEX IF NOT EXISTS ix_user_tips_slot ON user_tips (slot);

CREATE TABLE IF NOT EXISTS reactions (
    id             serial    NOT NULL,
    reaction_value integer   NOT NULL,
    sender_wallet  varchar   NOT NULL,
    reaction_type  varchar   NOT NULL,
    reacted_to     varchar   NOT NULL,
    timestamp      timestamp NOT NULL,
    blocknumber    integer,
    CONSTRAINT reactions_pkey PRIMARY KEY (id),
    CONSTRAINT reactions_blocknumber_fkey FOREIGN KEY (blocknumber)
        REFERENCES blocks (number) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS ix_reactions_reacted_to_reaction_type
    ON reactions (reacted_to, reaction_type);

CREATE TABLE IF NOT EXISTS supporter_rank_ups (
    slot             integer NOT NULL,
    sender_user_id   integer NOT NULL,
    receiver_user_id integer NOT NULL,
    rank             integer NOT NULL,
    CONSTRAINT supporter_rank_ups_pkey PRIMARY KEY (slot, sender_user_id, receiver_user_id)
);
CREATE INDEX IF NOT EXISTS ix_supporter_rank_ups_receiver_user_id
    ON supporter_rank_ups (receiver_user_id);
CREATE INDEX IF NOT EXISTS ix_supporter_rank_ups_sender_user_id
    ON supporter_rank_ups (sender_user_id);
CREATE INDEX IF NOT EXISTS ix_supporter_rank_ups_slot ON supporter_rank_ups (slot);

CREATE TABLE IF NOT EXISTS challenges (
    id             varchar       NOT NULL,
    type           challengetype NOT NULL,
    amount         varchar       NOT NULL,
    active         boolean       NOT NULL,
    step_count     integer,
    starting_block integer,
    weekly_pool    integer,
    cooldown_days  integer,
    CONSTRAINT challenges_pkey PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS user_challenges (
    challenge_id          varchar     NOT NULL,
    user_id               integer     NOT NULL,
    specifier             varchar     NOT NULL,
    is_complete           boolean     NOT NULL,
    current_step_count    integer,
    completed_blocknumber integer,
    amount                integer     NOT NULL DEFAULT 0,
    created_at            timestamptz NOT NULL DEFAULT now(),
    completed_at          timestamp,
    CONSTRAINT user_challenges_pkey PRIMARY KEY (challenge_id, specifier),
    CONSTRAINT user_challenges_challenge_id_fkey FOREIGN KEY (challenge_id)
        REFERENCES challenges (id)
);
CREATE INDEX IF NOT EXISTS user_challenges_challenge_idx ON user_challenges (challenge_id);
CREATE INDEX IF NOT EXISTS user_challenges_user_id ON user_challenges (user_id);
