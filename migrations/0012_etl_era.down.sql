-- Only for a database on which the up migration created everything.

ALTER SEQUENCE IF EXISTS notification_id_seq OWNED BY notification.id;
DROP INDEX IF EXISTS audius_etl_tracks_unusual_remix_parent_idx;
DROP INDEX IF EXISTS ix_subscriptions_entity_type_entity_id;
DROP INDEX IF EXISTS comment_threads_comment_id_idx;
DROP INDEX IF EXISTS reposts_current_uniq_idx;
DROP INDEX IF EXISTS saves_current_uniq_idx;
DROP INDEX IF EXISTS audius_etl_tracks_unusual_remix_parent_idx;
DROP INDEX IF EXISTS ix_subscriptions_entity_type_entity_id;
ALTER TABLE comments DROP COLUMN IF EXISTS video_url, DROP COLUMN IF EXISTS is_members_only;
ALTER TABLE subscriptions DROP COLUMN IF EXISTS entity_id, DROP COLUMN IF EXISTS entity_type;
ALTER TABLE tracks DROP COLUMN IF EXISTS access_authorities;
ALTER TABLE users DROP COLUMN IF EXISTS coin_flair_mint;
DROP TABLE IF EXISTS user_distinct_play_tracks;
DROP TABLE IF EXISTS user_distinct_play_hours;
DROP TABLE IF EXISTS oauth_redirect_uris;
DROP TABLE IF EXISTS track_collaborators;

-- An app may have several rows by now; then the key stays away.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM developer_apps GROUP BY address HAVING count(*) > 1) THEN
        ALTER TABLE developer_apps
            ADD CONSTRAINT unique_developer_apps_address UNIQUE (address);
    END IF;
END
$$;
