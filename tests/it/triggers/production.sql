-- Triggers that derive rows the way production's do: the same tables, moments and rows, written
-- anew from their description. A database with them stands for a copy of production.

CREATE FUNCTION note(kind text, group_key text, spec text, receivers int[], content jsonb,
                     block int, at timestamp, in_slot int DEFAULT NULL) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO notification (type, group_id, specifier, user_ids, data, blocknumber, timestamp, slot)
    VALUES (kind, group_key, spec, receivers, content, block, at, in_slot)
    ON CONFLICT (group_id, specifier) DO NOTHING
$$;

CREATE FUNCTION reach(counter text, item int, reached bigint, block int, at timestamp,
                      in_slot int DEFAULT NULL) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO milestones (id, name, threshold, blocknumber, slot, timestamp)
    VALUES (item, counter, reached, block, in_slot, at) ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION is_content_milestone(reached bigint) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$
    SELECT reached IN (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000,
                       250000, 500000, 1000000)
$$;

CREATE FUNCTION content_milestone(counter text, item int, owner int, reached bigint, content jsonb,
                                  block int, at timestamp, in_slot int DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF owner IS NULL OR NOT is_content_milestone(reached) THEN
        RETURN;
    END IF;
    PERFORM reach(counter, item, reached, block, at, in_slot);
    PERFORM note('milestone', format('milestone:%s:id:%s:threshold:%s', counter, item, reached),
                 owner::text, ARRAY[owner],
                 jsonb_build_object('type', counter, 'threshold', reached) || content,
                 block, at, in_slot);
END $$;

-- A NULL score bans as well.
CREATE FUNCTION may_notify(actor int) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT coalesce((SELECT score >= 0 FROM aggregate_user WHERE user_id = actor), false)
$$;

CREATE FUNCTION first_parent(remix jsonb) RETURNS int IMMUTABLE LANGUAGE sql AS $$
    SELECT (remix->'tracks'->0->>'parent_track_id')::int
$$;

CREATE FUNCTION subscribers_of(followed int) RETURNS int[] STABLE LANGUAGE sql AS $$
    SELECT array_agg(subscriber_id ORDER BY subscriber_id) FROM subscriptions
    WHERE is_current AND NOT is_delete AND user_id = followed
$$;

CREATE FUNCTION handle_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO aggregate_user (user_id) VALUES (new.user_id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER on_user AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION handle_user();

CREATE FUNCTION handle_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    step int := CASE WHEN new.is_delete THEN -1 ELSE 1 END;
    reached bigint;
BEGIN
    INSERT INTO aggregate_user (user_id) VALUES (new.followee_user_id), (new.follower_user_id)
    ON CONFLICT DO NOTHING;
    UPDATE aggregate_user SET following_count = following_count + step
    WHERE user_id = new.follower_user_id;
    UPDATE aggregate_user SET follower_count = follower_count + step
    WHERE user_id = new.followee_user_id RETURNING follower_count INTO reached;
    IF new.is_delete OR NOT may_notify(new.follower_user_id) THEN
        RETURN NULL;
    END IF;
    IF reached IN (10, 25, 50, 100, 250, 500, 1000, 5000, 10000, 20000, 50000, 100000, 1000000) THEN
        PERFORM reach('FOLLOWER_COUNT', new.followee_user_id, reached, new.blocknumber,
                      new.created_at, new.slot);
        PERFORM note('milestone_follower_count',
                     format('milestone:FOLLOWER_COUNT:id:%s:threshold:%s', new.followee_user_id,
                            reached),
                     new.followee_user_id::text, ARRAY[new.followee_user_id],
                     jsonb_build_object('type', 'FOLLOWER_COUNT', 'user_id', new.followee_user_id,
                                        'threshold', reached),
                     new.blocknumber, new.created_at, new.slot);
    END IF;
    PERFORM note('follow', format('follow:%s', new.followee_user_id), new.follower_user_id::text,
                 ARRAY[new.followee_user_id],
                 jsonb_build_object('followee_user_id', new.followee_user_id,
                                    'follower_user_id', new.follower_user_id),
                 new.blocknumber, new.created_at, new.slot);
    RETURN NULL;
END $$;
CREATE TRIGGER on_follow AFTER INSERT ON follows FOR EACH ROW EXECUTE FUNCTION handle_follow();

CREATE FUNCTION reposting_followees(actor int, item int, of_type reposttype, before timestamp)
RETURNS int[] STABLE LANGUAGE sql AS $$
    SELECT array_agg(r.user_id ORDER BY r.user_id) FROM reposts r
    JOIN follows f ON f.followee_user_id = r.user_id AND f.is_current AND NOT f.is_delete
    WHERE f.follower_user_id = actor AND r.repost_item_id = item AND r.is_current
        AND NOT r.is_delete AND (of_type IS NULL OR r.repost_type = of_type)
        AND r.created_at < before AND r.created_at > before - interval '1 month'
$$;

CREATE FUNCTION cosign(actor int, item int, owner int, block int, at timestamp) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    parent int;
BEGIN
    SELECT first_parent(remix_of) INTO parent FROM tracks WHERE is_current AND track_id = item;
    IF owner IS NOT NULL AND EXISTS (
        SELECT FROM tracks WHERE is_current AND track_id = parent AND owner_id = actor
    ) THEN
        PERFORM note('cosign', format('cosign:parent_track%s:original_track:%s', parent, item),
                     actor::text, ARRAY[owner],
                     jsonb_build_object('parent_track_id', parent, 'track_id', item,
                                        'track_owner_id', owner),
                     block, at);
    END IF;
END $$;

CREATE FUNCTION handle_save() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_track boolean := new.save_type = 'track';
    item int := new.save_item_id;
    owner int;
    reached bigint;
    album boolean;
    bought_item boolean;
    bought_album boolean := false;
    receivers int[];
BEGIN
    INSERT INTO aggregate_user (user_id) VALUES (new.user_id) ON CONFLICT DO NOTHING;
    SELECT count(*) INTO reached FROM saves
    WHERE is_current AND NOT is_delete AND save_type = new.save_type AND save_item_id = item;
    IF is_track THEN
        INSERT INTO aggregate_track (track_id) VALUES (item) ON CONFLICT DO NOTHING;
        UPDATE aggregate_track SET save_count = reached WHERE track_id = item;
        UPDATE aggregate_user SET track_save_count = (
            SELECT count(*) FROM saves
            WHERE is_current AND NOT is_delete AND save_type = 'track' AND user_id = new.user_id
        ) WHERE user_id = new.user_id;
        SELECT owner_id INTO owner FROM tracks WHERE is_current AND track_id = item;
    ELSE
        INSERT INTO aggregate_playlist (playlist_id, is_album)
        SELECT playlist_id, is_album FROM playlists WHERE is_current AND playlist_id = item
        ON CONFLICT DO NOTHING;
        UPDATE aggregate_playlist SET save_count = reached WHERE playlist_id = item
        RETURNING is_album INTO album;
        SELECT playlist_owner_id INTO owner FROM playlists
        WHERE is_current AND playlist_id = item;
    END IF;
    IF new.is_delete OR NOT may_notify(new.user_id) THEN
        RETURN NULL;
    END IF;
    PERFORM content_milestone(
        CASE WHEN is_track THEN 'TRACK_SAVE_COUNT' ELSE 'PLAYLIST_SAVE_COUNT' END, item, owner,
        reached,
        CASE WHEN is_track THEN jsonb_build_object('track_id', item)
             ELSE jsonb_build_object('playlist_id', item, 'is_album', album) END,
        new.blocknumber, new.created_at);
    SELECT EXISTS (
        SELECT FROM usdc_purchases WHERE buyer_user_id = new.user_id AND content_id = item
            AND content_type::text = CASE WHEN is_track THEN 'track' ELSE 'album' END
    ) INTO bought_item;
    IF is_track THEN
        SELECT EXISTS (
            SELECT FROM usdc_purchases u JOIN playlist_tracks p ON p.playlist_id = u.content_id
            WHERE u.buyer_user_id = new.user_id AND p.track_id = item
        ) INTO bought_album;
    END IF;
    IF NOT bought_item AND NOT bought_album THEN
        PERFORM note('save', format('save:%s:type:%s', item, new.save_type), new.user_id::text,
                     ARRAY[owner],
                     jsonb_build_object('save_item_id', item, 'user_id', new.user_id,
                                        'type', new.save_type),
                     new.blocknumber, new.created_at);
    END IF;
    IF new.is_save_of_repost AND NOT bought_album THEN
        receivers := reposting_followees(new.user_id, item, new.save_type::text::reposttype,
                                         new.created_at);
        IF receivers IS NOT NULL THEN
            PERFORM note('save_of_repost', format('save_of_repost:%s:type:%s', item, new.save_type),
                         new.user_id::text, receivers,
                         jsonb_build_object(
                             'save_of_repost_item_id', item, 'user_id', new.user_id, 'type',
                             CASE WHEN album THEN 'album' ELSE new.save_type::text END),
                         new.blocknumber, new.created_at);
        END IF;
    END IF;
    IF is_track THEN
        PERFORM cosign(new.user_id, item, owner, new.blocknumber, new.created_at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER on_save AFTER INSERT ON saves FOR EACH ROW EXECUTE FUNCTION handle_save();

CREATE FUNCTION handle_repost() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_track boolean := new.repost_type = 'track';
    item int := new.repost_item_id;
    owner int;
    reached bigint;
    album boolean;
    receivers int[];
BEGIN
    INSERT INTO aggregate_user (user_id) VALUES (new.user_id) ON CONFLICT DO NOTHING;
    UPDATE aggregate_user SET repost_count = (
        SELECT count(*) FROM reposts WHERE is_current AND NOT is_delete AND user_id = new.user_id
    ) WHERE user_id = new.user_id;
    SELECT count(*) INTO reached FROM reposts
    WHERE is_current AND NOT is_delete AND repost_type = new.repost_type AND repost_item_id = item;
    IF is_track THEN
        INSERT INTO aggregate_track (track_id) VALUES (item) ON CONFLICT DO NOTHING;
        UPDATE aggregate_track SET repost_count = reached WHERE track_id = item;
        SELECT owner_id INTO owner FROM tracks WHERE is_current AND track_id = item;
    ELSE
        INSERT INTO aggregate_playlist (playlist_id, is_album)
        SELECT playlist_id, is_album FROM playlists WHERE is_current AND playlist_id = item
        ON CONFLICT DO NOTHING;
        UPDATE aggregate_playlist SET repost_count = reached WHERE playlist_id = item
        RETURNING is_album INTO album;
        SELECT playlist_owner_id INTO owner FROM playlists
        WHERE is_current AND playlist_id = item;
    END IF;
    IF new.is_delete OR NOT may_notify(new.user_id) THEN
        RETURN NULL;
    END IF;
    PERFORM content_milestone(
        CASE WHEN is_track THEN 'TRACK_REPOST_COUNT' ELSE 'PLAYLIST_REPOST_COUNT' END, item, owner,
        reached,
        CASE WHEN is_track THEN jsonb_build_object('track_id', item)
             ELSE jsonb_build_object('playlist_id', item, 'is_album', album) END,
        new.blocknumber, new.created_at);
    PERFORM note('repost', format('repost:%s:type:%s', item, new.repost_type), new.user_id::text,
                 ARRAY[owner],
                 jsonb_build_object('repost_item_id', item, 'user_id', new.user_id,
                                    'type', new.repost_type),
                 new.blocknumber, new.created_at);
    IF new.is_repost_of_repost THEN
        receivers := reposting_followees(new.user_id, item, NULL, new.created_at);
        IF receivers IS NOT NULL THEN
            PERFORM note('repost_of_repost',
                         format('repost_of_repost:%s:type:%s', item, new.repost_type),
                         new.user_id::text, receivers,
                         jsonb_build_object(
                             'repost_of_repost_item_id', item, 'user_id', new.user_id, 'type',
                             CASE WHEN album THEN 'album' ELSE new.repost_type::text END),
                         new.blocknumber, new.created_at);
        END IF;
    END IF;
    IF is_track THEN
        PERFORM cosign(new.user_id, item, owner, new.blocknumber, new.created_at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER on_repost AFTER INSERT ON reposts FOR EACH ROW EXECUTE FUNCTION handle_repost();

CREATE FUNCTION handle_share() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    counted bigint;
BEGIN
    INSERT INTO aggregate_user (user_id) VALUES (new.user_id) ON CONFLICT DO NOTHING;
    SELECT count(*) INTO counted FROM shares
    WHERE share_type = new.share_type AND share_item_id = new.share_item_id;
    IF new.share_type = 'track' THEN
        INSERT INTO aggregate_track (track_id) VALUES (new.share_item_id) ON CONFLICT DO NOTHING;
        UPDATE aggregate_track SET share_count = counted WHERE track_id = new.share_item_id;
        UPDATE aggregate_user SET track_share_count = (
            SELECT count(*) FROM shares WHERE share_type = 'track' AND user_id = new.user_id
        ) WHERE user_id = new.user_id;
    ELSE
        INSERT INTO aggregate_playlist (playlist_id, is_album)
        SELECT playlist_id, is_album FROM playlists
        WHERE is_current AND playlist_id = new.share_item_id
        ON CONFLICT DO NOTHING;
        UPDATE aggregate_playlist SET share_count = counted WHERE playlist_id = new.share_item_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER on_share AFTER INSERT ON shares FOR EACH ROW EXECUTE FUNCTION handle_share();

CREATE FUNCTION handle_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.entity_type = 'Track' THEN
        INSERT INTO aggregate_track (track_id) VALUES (new.entity_id) ON CONFLICT DO NOTHING;
        UPDATE aggregate_track SET comment_count = (
            SELECT count(*) FROM comments WHERE entity_type = 'Track' AND entity_id = new.entity_id
                AND NOT coalesce(is_delete, false) AND coalesce(is_visible, true)
        ) WHERE track_id = new.entity_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER on_comment AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION handle_comment();

CREATE FUNCTION is_public(t tracks) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$
    SELECT NOT coalesce(t.is_unlisted, false) AND coalesce(t.is_available, true)
        AND NOT t.is_delete AND t.stem_of IS NULL
$$;

CREATE FUNCTION handle_track() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    receivers int[];
    parent int;
    parent_owner int;
    running events%ROWTYPE;
    entries bigint;
BEGIN
    INSERT INTO aggregate_track (track_id) VALUES (new.track_id) ON CONFLICT DO NOTHING;
    INSERT INTO aggregate_user (user_id) VALUES (new.owner_id) ON CONFLICT DO NOTHING;
    UPDATE aggregate_user SET (total_track_count, track_count) = (
        SELECT count(*), count(*) FILTER (WHERE NOT coalesce(is_unlisted, false)) FROM tracks
        WHERE is_current AND NOT is_delete AND coalesce(is_available, true) AND stem_of IS NULL
            AND owner_id = new.owner_id
    ) WHERE user_id = new.owner_id;
    IF NOT is_public(new) OR (tg_op = 'UPDATE' AND is_public(old)) THEN
        RETURN NULL;
    END IF;
    IF NOT coalesce(new.is_playlist_upload, false) THEN
        receivers := subscribers_of(new.owner_id);
        IF receivers IS NOT NULL THEN
            PERFORM note('create', format('create:track:user_id:%s', new.owner_id),
                         new.track_id::text, receivers,
                         jsonb_build_object('track_id', new.track_id), new.blocknumber,
                         new.updated_at);
        END IF;
    END IF;
    BEGIN
        parent := first_parent(new.remix_of);
        IF parent IS NULL THEN
            RETURN NULL;
        END IF;
        SELECT owner_id INTO parent_owner FROM tracks WHERE is_current AND track_id = parent;
        IF FOUND THEN
            PERFORM note('remix', format('remix:track:%s:parent_track:%s', new.track_id, parent),
                         new.owner_id::text, ARRAY[parent_owner],
                         jsonb_build_object('track_id', new.track_id, 'parent_track_id', parent),
                         new.blocknumber, new.updated_at);
        END IF;
        SELECT * INTO running FROM events
        WHERE event_type = 'remix_contest' AND NOT is_deleted AND entity_id = parent
            AND end_date > now()
        ORDER BY event_id LIMIT 1;
        IF FOUND THEN
            SELECT count(*) INTO entries FROM tracks t
            JOIN events e ON e.event_type = 'remix_contest' AND NOT e.is_deleted
                AND e.entity_id = parent AND t.created_at >= e.created_at
            WHERE t.is_current AND NOT t.is_delete AND first_parent(t.remix_of) = parent;
            IF entries IN (1, 10, 50) THEN
                PERFORM note('artist_remix_contest_submissions',
                             format('artist_remix_contest_submissions:%s:%s', running.event_id,
                                    entries),
                             format('%s:%s', entries, running.event_id), ARRAY[running.user_id],
                             jsonb_build_object('event_id', running.event_id, 'milestone', entries,
                                                'entity_id', parent),
                             new.blocknumber, new.updated_at);
            END IF;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'notifications of track % failed: %', new.track_id, sqlerrm;
    END;
    RETURN NULL;
END $$;
CREATE TRIGGER on_track AFTER INSERT OR UPDATE ON tracks
    FOR EACH ROW EXECUTE FUNCTION handle_track();

CREATE FUNCTION handle_playlist() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_row jsonb;
    step int := 0;
    receivers int[];
    entry jsonb;
    added int;
    track_owner int;
BEGIN
    INSERT INTO aggregate_playlist (playlist_id, is_album) VALUES (new.playlist_id, new.is_album)
    ON CONFLICT DO NOTHING;
    SELECT image INTO old_row
    FROM revert_blocks, jsonb_array_elements(prev_records->'playlists') image
    WHERE blocknumber = new.blocknumber AND (image->>'playlist_id')::int = new.playlist_id
    LIMIT 1;
    IF new.is_delete AND new.is_current AND NOT (old_row->>'is_delete')::boolean
        AND NOT (old_row->>'is_private')::boolean THEN
        step := -1;
    END IF;
    IF NOT new.is_private AND (old_row IS NULL OR (old_row->>'is_private')::boolean) THEN
        step := 1;
    END IF;
    IF new.is_album THEN
        UPDATE aggregate_user SET album_count = album_count + step
        WHERE user_id = new.playlist_owner_id;
    ELSE
        UPDATE aggregate_user SET playlist_count = playlist_count + step
        WHERE user_id = new.playlist_owner_id;
    END IF;
    IF new.is_private OR new.is_delete THEN
        RETURN NULL;
    END IF;
    IF new.created_at = new.updated_at OR (old_row->>'is_private')::boolean THEN
        receivers := subscribers_of(new.playlist_owner_id);
        IF receivers IS NOT NULL THEN
            PERFORM note('create', format('create:playlist_id:%s', new.playlist_id),
                         new.playlist_owner_id::text, receivers,
                         jsonb_build_object('playlist_id', new.playlist_id,
                                            'is_album', new.is_album),
                         new.blocknumber, new.updated_at);
        END IF;
    END IF;
    BEGIN
        FOR entry IN SELECT jsonb_array_elements(new.playlist_contents->'track_ids') LOOP
            IF (entry->>'time')::double precision::int >= extract(epoch FROM new.updated_at) THEN
                added := (entry->>'track')::int;
                SELECT owner_id INTO track_owner FROM tracks WHERE is_current AND track_id = added;
                IF FOUND AND track_owner <> new.playlist_owner_id THEN
                    PERFORM note('track_added_to_playlist',
                                 format('track_added_to_playlist:playlist_id:%s:track_id:%s',
                                        new.playlist_id, added),
                                 track_owner::text, ARRAY[track_owner],
                                 jsonb_build_object('track_id', added,
                                                    'playlist_id', new.playlist_id,
                                                    'playlist_owner_id', new.playlist_owner_id),
                                 new.blocknumber, new.updated_at);
                END IF;
            END IF;
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'entries of playlist % failed: %', new.playlist_id, sqlerrm;
    END;
    RETURN NULL;
END $$;
CREATE TRIGGER on_playlist AFTER INSERT ON playlists
    FOR EACH ROW EXECUTE FUNCTION handle_playlist();

-- Without a conflict clause, as in production: a second insertion of a pair fails.
CREATE FUNCTION handle_playlist_track() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notification (type, group_id, specifier, user_ids, data, blocknumber, timestamp)
    SELECT DISTINCT 'track_added_to_purchased_album',
           format('track_added_to_purchased_album:playlist_id:%s:track_id:%s', new.playlist_id,
                  new.track_id),
           u.buyer_user_id::text, ARRAY[u.buyer_user_id],
           jsonb_build_object('track_id', new.track_id, 'playlist_id', new.playlist_id,
                              'playlist_owner_id', p.playlist_owner_id),
           p.blocknumber, new.updated_at AT TIME ZONE 'UTC'
    FROM playlists p
    JOIN usdc_purchases u ON u.content_id = p.playlist_id AND u.content_type = 'album'
    WHERE p.playlist_id = new.playlist_id AND p.is_stream_gated
        AND p.stream_conditions ? 'usdc_purchase';
    RETURN NULL;
END $$;
CREATE TRIGGER on_playlist_track AFTER INSERT ON playlist_tracks
    FOR EACH ROW EXECUTE FUNCTION handle_playlist_track();

CREATE FUNCTION handle_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    contest_owner int;
BEGIN
    IF new.event_type <> 'remix_contest' OR new.is_deleted THEN
        RETURN NULL;
    END IF;
    SELECT owner_id INTO contest_owner FROM tracks
    WHERE is_current AND track_id = new.entity_id AND NOT coalesce(is_unlisted, false);
    IF FOUND THEN
        PERFORM note('fan_remix_contest_started',
                     format('fan_remix_contest_started:%s:user:%s', new.entity_id, new.user_id),
                     receiver::text, ARRAY[receiver],
                     jsonb_build_object('entity_user_id', contest_owner,
                                        'entity_id', new.entity_id),
                     new.blocknumber, new.created_at)
        FROM (
            SELECT follower_user_id AS receiver FROM follows
            WHERE is_current AND NOT is_delete AND followee_user_id = new.user_id
            UNION
            SELECT user_id FROM saves WHERE is_current AND NOT is_delete AND save_type = 'track'
                AND save_item_id = new.entity_id
            ORDER BY 1
        ) receivers;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER on_event AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION handle_event();

CREATE FUNCTION handle_reaction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tip user_tips%ROWTYPE;
BEGIN
    SELECT * INTO tip FROM user_tips WHERE signature = new.reacted_to LIMIT 1;
    IF new.reaction_type <> 'tip' OR NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF new.reaction_value <> 0 THEN
        PERFORM note('reaction',
                     format('reaction:reaction_to:%s:reaction_type:tip:reaction_value:%s',
                            new.reacted_to, new.reaction_value),
                     tip.receiver_user_id::text, ARRAY[tip.sender_user_id],
                     jsonb_build_object(
                         'sender_wallet', new.sender_wallet, 'reaction_type', new.reaction_type,
                         'reacted_to', new.reacted_to, 'reaction_value', new.reaction_value,
                         'receiver_user_id', tip.receiver_user_id,
                         'sender_user_id', tip.sender_user_id, 'tip_amount', tip.amount::text),
                     NULL, new.timestamp);
    END IF;
    UPDATE notification SET data = jsonb_set(data, '{reaction_value}', to_jsonb(new.reaction_value))
    WHERE group_id = format('tip_receive:user_id:%s:signature:%s', tip.receiver_user_id,
                            new.reacted_to);
    RETURN NULL;
END $$;
CREATE TRIGGER on_reaction AFTER INSERT ON reactions
    FOR EACH ROW EXECUTE FUNCTION handle_reaction();

CREATE FUNCTION process_grant_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    manager int;
    about jsonb;
BEGIN
    SELECT user_id INTO manager FROM users
    WHERE is_current AND lower(wallet) = lower(new.grantee_address) ORDER BY user_id LIMIT 1;
    IF NOT FOUND OR new.is_revoked THEN
        RETURN NULL;
    END IF;
    about := jsonb_build_object('grantee_user_id', manager, 'grantee_address', new.grantee_address,
                                'user_id', new.user_id);
    IF new.is_approved IS NULL AND new.created_at = new.updated_at THEN
        PERFORM note('request_manager',
                     format('request_manager:grantee_user_id:%s:grantee_address:%s:user_id:%s:'
                            'updated_at:%s:created_at:%s', manager, new.grantee_address,
                            new.user_id, new.updated_at, new.created_at),
                     new.user_id::text, ARRAY[manager], about, new.blocknumber, new.updated_at);
    ELSIF new.is_approved THEN
        PERFORM note('approve_manager_request',
                     format('approve_manager_request:grantee_user_id:%s:grantee_address:%s:'
                            'user_id:%s:created_at:%s', manager, new.grantee_address, new.user_id,
                            new.created_at),
                     manager::text, ARRAY[new.user_id], about, new.blocknumber, new.updated_at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER trg_grants AFTER INSERT OR UPDATE ON grants
    FOR EACH ROW EXECUTE FUNCTION process_grant_change();

CREATE FUNCTION handle_play() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    reached bigint;
    owner int;
BEGIN
    INSERT INTO aggregate_plays AS a (play_item_id, count) VALUES (new.play_item_id, 1)
    ON CONFLICT (play_item_id) DO UPDATE SET count = coalesce(a.count, 0) + 1
    RETURNING a.count INTO reached;
    INSERT INTO aggregate_monthly_plays AS a (play_item_id, timestamp, country, count)
    VALUES (new.play_item_id, date_trunc('month', new.created_at), coalesce(new.country, ''), 1)
    ON CONFLICT (play_item_id, timestamp, country) DO UPDATE SET count = a.count + 1;
    IF is_content_milestone(reached) THEN
        PERFORM reach('LISTEN_COUNT', new.play_item_id, reached, NULL, new.created_at, new.slot);
        SELECT owner_id INTO owner FROM tracks WHERE is_current AND track_id = new.play_item_id;
        PERFORM content_milestone('LISTEN_COUNT', new.play_item_id, owner, reached,
                                  jsonb_build_object('track_id', new.play_item_id), NULL,
                                  new.created_at, new.slot);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER on_play AFTER INSERT ON plays FOR EACH ROW EXECUTE FUNCTION handle_play();
