-- Indexes for lookups that read a whole other index per key on a large database.

CREATE INDEX IF NOT EXISTS audius_etl_grants_grantee_lower_user_idx
    ON grants (lower(grantee_address), user_id);
CREATE INDEX IF NOT EXISTS audius_etl_track_routes_owner_title_idx
    ON track_routes (owner_id, title_slug);
CREATE INDEX IF NOT EXISTS audius_etl_playlist_routes_owner_title_idx
    ON playlist_routes (owner_id, title_slug);
CREATE INDEX IF NOT EXISTS audius_etl_user_tips_signature_idx ON user_tips (signature);
CREATE INDEX IF NOT EXISTS audius_etl_stems_child_idx ON stems (child_track_id);
