-- Indexes for the lookups by which rows are loaded and that production's own indexes do not serve.
-- Expressions are those of the lookups' definitions, word for word.

CREATE INDEX IF NOT EXISTS audius_etl_tracks_first_remix_parent_idx ON tracks ((
    CASE WHEN jsonb_typeof(remix_of #> '{tracks,0,parent_track_id}') = 'number' THEN
        CASE WHEN (remix_of #>> '{tracks,0,parent_track_id}')::numeric BETWEEN -9e18 AND 9e18 THEN
            (remix_of #>> '{tracks,0,parent_track_id}')::numeric::bigint
        END
    END
));
CREATE INDEX IF NOT EXISTS audius_etl_tracks_odd_remix_parents_idx ON tracks ((
    CASE WHEN jsonb_typeof(remix_of -> 'tracks') = 'array' THEN
        CASE WHEN jsonb_array_length(remix_of -> 'tracks') > 1
            OR remix_of #>> '{tracks,0,parent_track_id}' LIKE '%.%' THEN
            1::bigint
        END
    END
));
CREATE INDEX IF NOT EXISTS audius_etl_comments_entity_idx ON comments (entity_id, entity_type);
CREATE INDEX IF NOT EXISTS audius_etl_developer_apps_address_lower_idx
    ON developer_apps (lower(address));
CREATE INDEX IF NOT EXISTS audius_etl_developer_apps_user_id_idx ON developer_apps (user_id);
CREATE INDEX IF NOT EXISTS audius_etl_dashboard_wallet_users_wallet_lower_idx
    ON dashboard_wallet_users (lower(wallet));
CREATE INDEX IF NOT EXISTS audius_etl_usdc_purchases_content_idx
    ON usdc_purchases (content_id, content_type);
