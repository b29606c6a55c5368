DROP INDEX IF EXISTS audius_etl_stems_child_idx;
DROP INDEX IF EXISTS audius_etl_user_tips_signature_idx;
DROP INDEX IF EXISTS audius_etl_playlist_routes_owner_title_idx;
DROP INDEX IF EXISTS audius_etl_track_routes_owner_title_idx;
DROP INDEX IF EXISTS audius_etl_grants_grantee_lower_user_idx;
