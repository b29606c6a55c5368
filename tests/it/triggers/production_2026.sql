-- Triggers that derive rows the way production's of autumn 2026 do: the same tables, moments and
-- rows, written anew from their description. A database with them stands for a copy of production
-- as the Go indexer writes it.

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

CREATE FUNCTION may_notify(actor int) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT coalesce((SELECT score >= 0 FROM aggregate_user WHERE user_id = actor), false)
$$;

CREATE FUNCTION first_parent(remix jsonb) RETURNS int IMMUTABLE LANGUAGE sql AS $$
    SELECT (remix->'tracks'->0->>'parent_track_id')::int
$$;


CREATE FUNCTION content_milestone(counter text, item int, owner int, reached bigint, content jsonb,
                                  block int, at timestamp, in_slot int DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM reach(counter, item, reached, block, at, in_slot);
    PERFORM note('milestone', format('milestone:%s:id:%s:threshold:%s', counter, item, reached),
                 owner::text, ARRAY[owner],
                 jsonb_build_object('type', counter, 'threshold', reached) || content,
                 block, at, in_slot);
END $$;

CREATE FUNCTION subscribers_of(followed int) RETURNS int[] STABLE LANGUAGE sql AS $$
    SELECT array_agg(subscriber_id ORDER BY subscriber_id) FROM subscriptions
    WHERE is_current AND NOT is_delete AND user_id = followed AND entity_type = 'User'
$$;

CREATE FUNCTION fans_of_event(event int) RETURNS SETOF int STABLE LANGUAGE sql AS $$
    SELECT subscriber_id FROM subscriptions
    WHERE is_current AND NOT is_delete AND entity_type = 'Event' AND entity_id = event
$$;

CREATE FUNCTION fans_of_contest(host int, track int, event int) RETURNS SETOF int
STABLE LANGUAGE sql AS $$
    SELECT follower_user_id FROM follows
    WHERE is_current AND NOT is_delete AND followee_user_id = host
    UNION
    SELECT user_id FROM saves
    WHERE is_current AND NOT is_delete AND save_type = 'track' AND save_item_id = track
    UNION
    SELECT fans_of_event(event)
    ORDER BY 1
$$;

-- How much a row counts more than the one before it.
CREATE FUNCTION step(op text, old_deleted boolean, new_deleted boolean) RETURNS int
IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE WHEN new_deleted THEN 0 ELSE 1 END
         - CASE WHEN op = 'UPDATE' AND old_deleted IS FALSE THEN 1 ELSE 0 END
$$;

CREATE FUNCTION handle_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO aggregate_user (user_id) VALUES (new.user_id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER on_user AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION handle_user();

CREATE FUNCTION handle_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    delta int := step(tg_op, old.is_delete, new.is_delete);
    reached bigint;
BEGIN
    INSERT INTO aggregate_user (user_id) VALUES (new.followee_user_id), (new.follower_user_id)
    ON CONFLICT DO NOTHING;
    UPDATE aggregate_user SET following_count = following_count + delta
    WHERE user_id = new.follower_user_id;
    UPDATE aggregate_user SET follower_count = follower_count + delta
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
                     new.blocknumber, new.created_at);
    END IF;
    BEGIN
        PERFORM note('follow', format('follow:%s', new.followee_user_id), new.follower_user_id::text,
                     ARRAY[new.followee_user_id],
                     jsonb_build_object('followee_user_id', new.followee_user_id,
                                        'follower_user_id', new.follower_user_id),
                     new.blocknumber, new.created_at);
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'notification of a follow failed: %', sqlerrm;
    END;
    RETURN NULL;
END $$;
CREATE TRIGGER on_follow AFTER INSERT OR UPDATE ON follows
    FOR EACH ROW EXECUTE FUNCTION handle_follow();

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
    delta int := step(tg_op, old.is_delete, new.is_delete);
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
    IF is_track THEN
        INSERT INTO aggregate_track (track_id) VALUES (item) ON CONFLICT DO NOTHING;
        UPDATE aggregate_track SET save_count = save_count + delta WHERE track_id = item
        RETURNING save_count INTO reached;
        UPDATE aggregate_user SET track_save_count = track_save_count + delta
        WHERE user_id = new.user_id;
        SELECT owner_id INTO owner FROM tracks WHERE is_current AND track_id = item;
    ELSE
        INSERT INTO aggregate_playlist (playlist_id, is_album)
        SELECT playlist_id, is_album FROM playlists WHERE is_current AND playlist_id = item
        ON CONFLICT DO NOTHING;
        UPDATE aggregate_playlist SET save_count = save_count + delta WHERE playlist_id = item
        RETURNING is_album, save_count INTO album, reached;
        SELECT playlist_owner_id INTO owner FROM playlists
        WHERE is_current AND playlist_id = item;
    END IF;
    IF new.is_delete OR NOT may_notify(new.user_id) THEN
        RETURN NULL;
    END IF;
    IF is_content_milestone(reached) THEN
    PERFORM content_milestone(
        CASE WHEN is_track THEN 'TRACK_SAVE_COUNT' ELSE 'PLAYLIST_SAVE_COUNT' END, item, owner,
        reached,
        CASE WHEN is_track THEN jsonb_build_object('track_id', item)
             ELSE jsonb_build_object('playlist_id', item, 'is_album', album) END,
        new.blocknumber, new.created_at);
    END IF;
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
    BEGIN
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
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'notifications of a save failed: %', sqlerrm;
    END;
    RETURN NULL;
END $$;
CREATE TRIGGER on_save AFTER INSERT OR UPDATE ON saves FOR EACH ROW EXECUTE FUNCTION handle_save();

CREATE FUNCTION handle_repost() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    delta int := step(tg_op, old.is_delete, new.is_delete);
    is_track boolean := new.repost_type = 'track';
    item int := new.repost_item_id;
    owner int;
    reached bigint;
    album boolean;
    receivers int[];
BEGIN
    INSERT INTO aggregate_user (user_id) VALUES (new.user_id) ON CONFLICT DO NOTHING;
    UPDATE aggregate_user SET repost_count = repost_count + delta WHERE user_id = new.user_id;
    IF is_track THEN
        INSERT INTO aggregate_track (track_id) VALUES (item) ON CONFLICT DO NOTHING;
        UPDATE aggregate_track SET repost_count = repost_count + delta WHERE track_id = item
        RETURNING repost_count INTO reached;
        SELECT owner_id INTO owner FROM tracks WHERE is_current AND track_id = item;
    ELSE
        INSERT INTO aggregate_playlist (playlist_id, is_album)
        SELECT playlist_id, is_album FROM playlists WHERE is_current AND playlist_id = item
        ON CONFLICT DO NOTHING;
        UPDATE aggregate_playlist SET repost_count = repost_count + delta WHERE playlist_id = item
        RETURNING is_album, repost_count INTO album, reached;
        SELECT playlist_owner_id INTO owner FROM playlists
        WHERE is_current AND playlist_id = item;
    END IF;
    IF new.is_delete OR NOT may_notify(new.user_id) THEN
        RETURN NULL;
    END IF;
    IF owner IS NOT NULL AND is_content_milestone(reached) THEN
    PERFORM content_milestone(
        CASE WHEN is_track THEN 'TRACK_REPOST_COUNT' ELSE 'PLAYLIST_REPOST_COUNT' END, item, owner,
        reached,
        CASE WHEN is_track THEN jsonb_build_object('track_id', item)
             ELSE jsonb_build_object('playlist_id', item, 'is_album', album) END,
        new.blocknumber, new.created_at);
    END IF;
    BEGIN
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
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'notifications of a repost failed: %', sqlerrm;
    END;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'a repost is not counted: %', sqlerrm;
    RETURN NULL;
END $$;
CREATE TRIGGER on_repost AFTER INSERT OR UPDATE ON reposts FOR EACH ROW EXECUTE FUNCTION handle_repost();

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
                AND is_delete IS FALSE AND is_visible IS TRUE
        ) WHERE track_id = new.entity_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER on_comment AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION handle_comment();

CREATE FUNCTION is_public(t tracks) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$
    SELECT NOT t.is_unlisted AND t.is_available AND NOT t.is_delete AND t.stem_of IS NULL
        AND t.access_authorities IS NULL
$$;

-- A contest is over when the database's clock says so, where the search path leads to that one.
CREATE FUNCTION handle_track() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    notify boolean := is_public(new) AND (tg_op = 'INSERT' OR NOT is_public(old));
    receivers int[];
    parent int;
    parent_owner int;
    running events%ROWTYPE;
    entries bigint;
BEGIN
    INSERT INTO aggregate_track (track_id) VALUES (new.track_id) ON CONFLICT DO NOTHING;
    INSERT INTO aggregate_user (user_id) VALUES (new.owner_id) ON CONFLICT DO NOTHING;
    UPDATE aggregate_user SET (total_track_count, track_count) = (
        SELECT count(*), count(*) FILTER (WHERE NOT is_unlisted) FROM tracks
        WHERE is_current AND NOT is_delete AND is_available AND stem_of IS NULL
            AND access_authorities IS NULL AND owner_id = new.owner_id
    ) WHERE user_id = new.owner_id;
    BEGIN
        IF notify AND new.is_playlist_upload = false THEN
            receivers := subscribers_of(new.owner_id);
            IF receivers IS NOT NULL THEN
                PERFORM note('create', format('create:track:user_id:%s', new.owner_id),
                             new.track_id::text, receivers,
                             jsonb_build_object('track_id', new.track_id), new.blocknumber,
                             new.updated_at);
            END IF;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'subscribers of track %: %', new.track_id, sqlerrm;
    END;
    BEGIN
        IF notify AND new.remix_of IS NOT NULL THEN
            parent := first_parent(new.remix_of);
            SELECT owner_id INTO parent_owner FROM tracks WHERE is_current AND track_id = parent;
            IF FOUND THEN
                PERFORM note('remix', format('remix:track:%s:parent_track:%s', new.track_id, parent),
                             new.owner_id::text, ARRAY[parent_owner],
                             jsonb_build_object('track_id', new.track_id,
                                                'parent_track_id', parent),
                             new.blocknumber, new.updated_at);
            END IF;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'remix %: %', new.track_id, sqlerrm;
    END;
    BEGIN
        IF notify AND new.remix_of IS NOT NULL THEN
            parent := first_parent(new.remix_of);
            SELECT * INTO running FROM events
            WHERE event_type = 'remix_contest' AND is_deleted = false AND entity_id = parent
                AND (end_date IS NULL OR end_date > now())
            LIMIT 1;
            IF FOUND THEN
                SELECT count(*) INTO entries FROM tracks
                WHERE CASE WHEN is_current AND NOT is_delete AND remix_of IS NOT NULL
                           THEN first_parent(remix_of) = parent AND created_at >= running.created_at
                           ELSE false END;
                IF entries IN (1, 10, 50) THEN
                    PERFORM note('artist_remix_contest_submissions',
                                 format('artist_remix_contest_submissions:%s:%s', running.event_id,
                                        entries),
                                 format('%s:%s', entries, running.event_id), ARRAY[running.user_id],
                                 jsonb_build_object('event_id', running.event_id,
                                                    'milestone', entries, 'entity_id', parent),
                                 new.blocknumber, new.updated_at);
                END IF;
                PERFORM note('fan_remix_contest_submission',
                             format('fan_remix_contest_submission:%s:submission:%s',
                                    running.event_id, new.track_id),
                             receiver::text, ARRAY[receiver],
                             jsonb_build_object('event_id', running.event_id, 'entity_id', parent,
                                                'entity_user_id', running.user_id,
                                                'submission_track_id', new.track_id,
                                                'submitter_user_id', new.owner_id),
                             new.blocknumber, new.updated_at)
                FROM (SELECT fans_of_event(running.event_id) AS receiver
                      UNION SELECT running.user_id ORDER BY 1) fans
                WHERE receiver <> new.owner_id;
            END IF;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'submission %: %', new.track_id, sqlerrm;
    END;
    BEGIN
        IF tg_op = 'UPDATE' AND old.is_unlisted AND NOT new.is_unlisted THEN
            PERFORM note('fan_remix_contest_started',
                         format('fan_remix_contest_started:%s:user:%s', new.track_id, e.user_id),
                         receiver::text, ARRAY[receiver],
                         jsonb_build_object('entity_user_id', new.owner_id,
                                            'entity_id', new.track_id),
                         new.blocknumber, new.updated_at)
            FROM events e, fans_of_contest(e.user_id, new.track_id, e.event_id) receiver
            WHERE e.event_type = 'remix_contest' AND e.is_deleted = false
                AND e.entity_id = new.track_id AND (e.end_date IS NULL OR e.end_date > now());
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'contest of %: %', new.track_id, sqlerrm;
    END;
    RETURN NULL;
END $$;
CREATE TRIGGER on_track AFTER INSERT OR UPDATE ON tracks
    FOR EACH ROW EXECUTE FUNCTION handle_track();

CREATE FUNCTION handle_playlist() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    receivers int[];
    entry jsonb;
    added int;
    track_owner int;
BEGIN
    INSERT INTO aggregate_playlist (playlist_id, is_album) VALUES (new.playlist_id, new.is_album)
    ON CONFLICT DO NOTHING;
    IF NOT new.is_private THEN
        UPDATE aggregate_user SET
            album_count = album_count + CASE WHEN new.is_album THEN 1 ELSE 0 END,
            playlist_count = playlist_count + CASE WHEN new.is_album THEN 0 ELSE 1 END
        WHERE user_id = new.playlist_owner_id;
    END IF;
    BEGIN
        IF NOT new.is_private AND NOT new.is_delete AND new.created_at = new.updated_at THEN
            receivers := subscribers_of(new.playlist_owner_id);
            IF receivers IS NOT NULL THEN
                PERFORM note('create', format('create:playlist_id:%s', new.playlist_id),
                             new.playlist_owner_id::text, receivers,
                             jsonb_build_object('playlist_id', new.playlist_id,
                                                'is_album', new.is_album),
                             new.blocknumber, new.updated_at);
            END IF;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'subscribers of playlist %: %', new.playlist_id, sqlerrm;
    END;
    BEGIN
        IF NOT new.is_private AND NOT new.is_delete THEN
            FOR entry IN SELECT jsonb_array_elements(new.playlist_contents->'track_ids') LOOP
                IF (entry->>'time')::double precision::int
                    >= extract(epoch FROM new.updated_at)::int THEN
                    added := (entry->>'track')::int;
                    SELECT owner_id INTO track_owner FROM tracks
                    WHERE is_current AND track_id = added;
                    IF FOUND AND track_owner <> new.playlist_owner_id THEN
                        PERFORM note('track_added_to_playlist',
                                     format('track_added_to_playlist:playlist_id:%s:track_id:%s',
                                            new.playlist_id, added),
                                     track_owner::text, ARRAY[track_owner],
                                     jsonb_build_object(
                                         'track_id', added, 'playlist_id', new.playlist_id,
                                         'playlist_owner_id', new.playlist_owner_id),
                                     new.blocknumber, new.updated_at);
                    END IF;
                END IF;
            END LOOP;
        END IF;
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
    IF new.event_type <> 'remix_contest' OR new.is_deleted IS DISTINCT FROM false THEN
        RETURN NULL;
    END IF;
    SELECT owner_id INTO contest_owner FROM tracks
    WHERE is_current AND track_id = new.entity_id AND NOT is_unlisted;
    IF FOUND THEN
        PERFORM note('fan_remix_contest_started',
                     format('fan_remix_contest_started:%s:user:%s', new.entity_id, new.user_id),
                     receiver::text, ARRAY[receiver],
                     jsonb_build_object('entity_user_id', contest_owner,
                                        'entity_id', new.entity_id),
                     new.blocknumber, new.created_at)
        FROM fans_of_contest(new.user_id, new.entity_id, new.event_id) receiver;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'event %: %', new.event_id, sqlerrm;
    RETURN NULL;
END $$;
CREATE TRIGGER on_event AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION handle_event();

CREATE FUNCTION owner_of(kind text, entity int) RETURNS int STABLE LANGUAGE sql AS $$
    SELECT CASE kind
        WHEN 'Track' THEN (SELECT owner_id FROM tracks WHERE is_current AND track_id = entity LIMIT 1)
        WHEN 'Event' THEN (SELECT user_id FROM events WHERE event_id = entity AND is_deleted = false)
        WHEN 'FanClub' THEN entity
    END
$$;

CREATE FUNCTION mutes(who int, whom int) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM muted_users
                   WHERE user_id = who AND muted_user_id = whom AND is_delete = false)
$$;

CREATE FUNCTION is_off(who int, kind text, entity int) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM comment_notification_settings
                   WHERE user_id = who AND entity_type = kind AND entity_id = entity AND is_muted)
$$;

CREATE FUNCTION is_shown(c comments) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$
    SELECT c.is_delete IS NOT TRUE AND c.is_visible IS NOT FALSE
$$;

CREATE FUNCTION is_reply(comment int) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM comment_threads WHERE comment_id = comment)
$$;

CREATE FUNCTION handle_comment_notification() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    receiver int := owner_of(new.entity_type, new.entity_id);
BEGIN
    IF is_shown(new) AND receiver <> new.user_id AND NOT is_reply(new.comment_id)
        AND NOT EXISTS (SELECT FROM comment_mentions WHERE comment_id = new.comment_id
                            AND user_id = receiver AND is_delete = false)
        AND NOT is_off(receiver, new.entity_type, new.entity_id)
        AND NOT mutes(receiver, new.user_id) THEN
        PERFORM note('comment', format('comment:%s:type:%s', new.entity_id, new.entity_type),
                     new.comment_id::text, ARRAY[receiver],
                     jsonb_build_object('type', new.entity_type, 'entity_id', new.entity_id,
                                        'comment_user_id', new.user_id,
                                        'comment_id', new.comment_id),
                     new.blocknumber, new.created_at);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'comment %: %', new.comment_id, sqlerrm;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER on_comment_notification AFTER INSERT ON comments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION handle_comment_notification();

CREATE FUNCTION handle_comment_remix_contest_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.entity_type = 'Event' AND is_shown(new) AND NOT is_reply(new.comment_id) THEN
        PERFORM note('remix_contest_update',
                     format('remix_contest_update:%s:event:%s', new.comment_id, e.event_id),
                     receiver::text, ARRAY[receiver],
                     jsonb_build_object('event_id', e.event_id, 'entity_id', e.entity_id,
                                        'entity_user_id', e.user_id,
                                        'comment_id', new.comment_id),
                     new.blocknumber, new.created_at)
        FROM events e, fans_of_event(e.event_id) receiver
        WHERE e.event_id = new.entity_id AND e.event_type = 'remix_contest'
            AND e.is_deleted = false AND e.user_id = new.user_id AND receiver <> e.user_id;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'contest update %: %', new.comment_id, sqlerrm;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER on_comment_remix_contest_update AFTER INSERT ON comments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION handle_comment_remix_contest_update();

CREATE FUNCTION handle_fan_club_text_post() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.entity_type = 'FanClub' AND new.user_id = new.entity_id AND is_shown(new)
        AND NOT is_reply(new.comment_id) THEN
        PERFORM note('fan_club_text_post',
                     format('fan_club_text_post:%s:user:%s', new.comment_id, new.user_id),
                     receiver::text, ARRAY[receiver],
                     jsonb_build_object('entity_user_id', new.user_id,
                                        'comment_id', new.comment_id),
                     new.blocknumber, new.created_at)
        FROM (SELECT follower_user_id AS receiver FROM follows
              WHERE is_current AND NOT is_delete AND followee_user_id = new.user_id
              UNION
              SELECT b.user_id FROM sol_user_balances b JOIN artist_coins c ON c.mint = b.mint
              WHERE c.user_id = new.user_id AND b.balance > 0
              ORDER BY 1) fans
        WHERE receiver <> new.user_id;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'post %: %', new.comment_id, sqlerrm;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER on_fan_club_text_post AFTER INSERT ON comments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION handle_fan_club_text_post();

CREATE FUNCTION handle_comment_mention() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    about comments%ROWTYPE;
    entity_owner int;
BEGIN
    SELECT * INTO about FROM comments WHERE comment_id = new.comment_id;
    entity_owner := owner_of(about.entity_type, about.entity_id);
    IF FOUND AND new.is_delete IS NOT TRUE AND is_shown(about) AND new.user_id <> about.user_id
        AND about.entity_type IN ('Track', 'Event', 'FanClub')
        AND NOT mutes(new.user_id, about.user_id)
        AND NOT (new.user_id IS NOT DISTINCT FROM entity_owner
                 AND is_off(entity_owner, about.entity_type, about.entity_id)) THEN
        PERFORM note('comment_mention', format('comment_mention:%s', new.comment_id),
                     new.user_id::text, ARRAY[new.user_id],
                     jsonb_build_object('type', about.entity_type, 'entity_id', about.entity_id,
                                        'entity_user_id', entity_owner,
                                        'comment_user_id', about.user_id,
                                        'comment_id', new.comment_id),
                     about.blocknumber, about.created_at);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'mention in %: %', new.comment_id, sqlerrm;
    RETURN NULL;
END $$;
CREATE TRIGGER on_comment_mention AFTER INSERT ON comment_mentions
    FOR EACH ROW EXECUTE FUNCTION handle_comment_mention();

CREATE FUNCTION handle_comment_thread() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent comments%ROWTYPE;
    reply comments%ROWTYPE;
BEGIN
    SELECT * INTO parent FROM comments WHERE comment_id = new.parent_comment_id;
    SELECT * INTO reply FROM comments WHERE comment_id = new.comment_id;
    IF parent.comment_id IS NOT NULL AND reply.comment_id IS NOT NULL AND is_shown(reply)
        AND parent.user_id <> reply.user_id
        AND NOT is_off(parent.user_id, 'Comment', parent.comment_id)
        AND NOT mutes(parent.user_id, reply.user_id) THEN
        PERFORM note('comment_thread', format('comment_thread:%s', parent.comment_id),
                     reply.comment_id::text, ARRAY[parent.user_id],
                     jsonb_build_object('type', parent.entity_type, 'entity_id', parent.entity_id,
                                        'entity_user_id',
                                        owner_of(parent.entity_type, parent.entity_id),
                                        'comment_user_id', reply.user_id,
                                        'comment_id', reply.comment_id),
                     reply.blocknumber, reply.created_at);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'reply %: %', new.comment_id, sqlerrm;
    RETURN NULL;
END $$;
CREATE TRIGGER on_comment_thread AFTER INSERT ON comment_threads
    FOR EACH ROW EXECUTE FUNCTION handle_comment_thread();

CREATE FUNCTION handle_comment_reaction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    about comments%ROWTYPE;
    entity_owner int;
BEGIN
    SELECT * INTO about FROM comments WHERE comment_id = new.comment_id;
    entity_owner := owner_of(about.entity_type, about.entity_id);
    IF about.comment_id IS NOT NULL AND new.is_delete IS NOT TRUE AND is_shown(about)
        AND about.user_id <> new.user_id AND NOT is_off(about.user_id, 'Comment', about.comment_id)
        AND NOT mutes(about.user_id, new.user_id)
        AND NOT (about.user_id IS NOT DISTINCT FROM entity_owner
                 AND is_off(entity_owner, about.entity_type, about.entity_id)) THEN
        PERFORM note('comment_reaction', format('comment_reaction:%s', new.comment_id),
                     new.user_id::text, ARRAY[about.user_id],
                     jsonb_build_object('type', about.entity_type, 'entity_id', about.entity_id,
                                        'entity_user_id', entity_owner,
                                        'comment_id', new.comment_id,
                                        'reacter_user_id', new.user_id),
                     new.blocknumber, new.created_at);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'reaction to %: %', new.comment_id, sqlerrm;
    RETURN NULL;
END $$;
CREATE TRIGGER on_comment_reaction AFTER INSERT ON comment_reactions
    FOR EACH ROW EXECUTE FUNCTION handle_comment_reaction();

CREATE FUNCTION process_grant_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    manager int;
    about jsonb;
BEGIN
    SELECT user_id INTO manager FROM users WHERE lower(wallet) = lower(new.grantee_address) LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    about := jsonb_build_object('grantee_user_id', manager, 'grantee_address', new.grantee_address,
                                'user_id', new.user_id);
    IF new.is_approved IS NULL AND new.is_revoked = false
        AND (tg_op = 'INSERT' AND new.created_at = new.updated_at
             OR tg_op = 'UPDATE' AND old.is_revoked) THEN
        PERFORM note('request_manager',
                     format('request_manager:grantee_user_id:%s:grantee_address:%s:user_id:%s:'
                            'updated_at:%s:created_at:%s', manager, new.grantee_address,
                            new.user_id, new.updated_at, new.created_at),
                     new.user_id::text, ARRAY[manager], about, new.blocknumber, new.updated_at);
    ELSIF new.is_approved AND new.is_revoked = false
        AND (tg_op = 'INSERT' OR old.is_approved != true) THEN
        PERFORM note('approve_manager_request',
                     format('approve_manager_request:grantee_user_id:%s:grantee_address:%s:'
                            'user_id:%s:created_at:%s', manager, new.grantee_address, new.user_id,
                            new.created_at),
                     manager::text, ARRAY[new.user_id], about, new.blocknumber, new.updated_at);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'grant: %', sqlerrm;
    RETURN NULL;
END $$;
CREATE TRIGGER trigger_grant_change AFTER INSERT OR UPDATE ON grants
    FOR EACH ROW EXECUTE FUNCTION process_grant_change();

CREATE FUNCTION process_track_collaborator_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kind text;
BEGIN
    IF new.status = 'pending' AND (tg_op = 'INSERT' AND new.created_at = new.updated_at
                                   OR tg_op = 'UPDATE' AND old.status <> 'pending') THEN
        kind := 'track_collaborator_invite';
    ELSIF new.status = 'accepted' AND (tg_op = 'INSERT' OR old.status <> 'accepted') THEN
        kind := 'track_collaborator_accept';
    ELSE
        RETURN NULL;
    END IF;
    PERFORM note(kind,
                 format('%s:track_id:%s:collaborator_user_id:%s:inviter_user_id:%s', kind,
                        new.track_id, new.collaborator_user_id, new.invited_by),
                 CASE WHEN new.status = 'pending' THEN new.invited_by
                      ELSE new.collaborator_user_id END::text,
                 ARRAY[CASE WHEN new.status = 'pending' THEN new.collaborator_user_id
                            ELSE new.invited_by END],
                 jsonb_build_object('track_id', new.track_id,
                                    'collaborator_user_id', new.collaborator_user_id,
                                    'inviter_user_id', new.invited_by),
                 new.blocknumber, new.updated_at);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'collaborator of %: %', new.track_id, sqlerrm;
    RETURN NULL;
END $$;
CREATE TRIGGER trigger_track_collaborator_change AFTER INSERT OR UPDATE ON track_collaborators
    FOR EACH ROW EXECUTE FUNCTION process_track_collaborator_change();

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
        IF FOUND THEN
            PERFORM content_milestone('LISTEN_COUNT', new.play_item_id, owner, reached,
                                      jsonb_build_object('track_id', new.play_item_id), NULL,
                                      new.created_at, new.slot);
        END IF;
    END IF;
    IF new.user_id IS NOT NULL THEN
        INSERT INTO user_distinct_play_hours AS h (user_id, hours_with_play, updated_at)
        VALUES (new.user_id, 1, date_trunc('hour', new.created_at))
        ON CONFLICT (user_id) DO UPDATE SET hours_with_play = h.hours_with_play + 1,
                                            updated_at = new.created_at
        WHERE date_trunc('hour', new.created_at) > date_trunc('hour', h.updated_at);
        INSERT INTO user_distinct_play_tracks AS d (user_id, track_count, updated_at)
        VALUES (new.user_id, 1, new.created_at)
        ON CONFLICT (user_id) DO UPDATE SET updated_at = new.created_at, track_count = d.track_count
            + CASE WHEN EXISTS (SELECT FROM plays WHERE user_id = new.user_id
                                    AND play_item_id = new.play_item_id AND id <> new.id)
                   THEN 0 ELSE 1 END;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER on_play AFTER INSERT ON plays FOR EACH ROW EXECUTE FUNCTION handle_play();

CREATE FUNCTION update_eth_user_balance(of_user int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO eth_user_balances (user_id, balance, updated_at, created_at)
    SELECT of_user, coalesce(sum(balance), 0), now(), now() FROM eth_wallet_balances
    WHERE wallet IN (
        SELECT lower(wallet) FROM users WHERE is_current AND user_id = of_user
        UNION
        SELECT wallet FROM associated_wallets
        WHERE is_current AND NOT is_delete AND chain = 'eth' AND user_id = of_user)
    ON CONFLICT (user_id) DO UPDATE SET balance = excluded.balance, updated_at = excluded.updated_at
$$;

CREATE FUNCTION canonicalize_associated_wallet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.chain = 'eth' THEN
        new.wallet := lower(new.wallet);
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER before_associated_wallets_canonicalize BEFORE INSERT OR UPDATE ON associated_wallets
    FOR EACH ROW EXECUTE FUNCTION canonicalize_associated_wallet();

CREATE FUNCTION handle_associated_wallet() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    about associated_wallets := CASE WHEN tg_op = 'DELETE' THEN old ELSE new END;
BEGIN
    IF about.chain = 'eth'
        AND (tg_op <> 'UPDATE' OR old.is_delete IS DISTINCT FROM new.is_delete) THEN
        PERFORM update_eth_user_balance(about.user_id);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'wallet: %', sqlerrm;
    RETURN NULL;
END $$;
CREATE TRIGGER on_associated_wallets AFTER INSERT OR UPDATE OR DELETE ON associated_wallets
    FOR EACH ROW EXECUTE FUNCTION handle_associated_wallet();

CREATE FUNCTION handle_eth_wallet_balance_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'INSERT' OR old.balance IS DISTINCT FROM new.balance THEN
        PERFORM update_eth_user_balance(user_id) FROM (
            SELECT user_id FROM users WHERE is_current AND lower(wallet) = new.wallet
            UNION
            SELECT user_id FROM associated_wallets
            WHERE is_current AND NOT is_delete AND chain = 'eth' AND wallet = new.wallet) holders;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'balance: %', sqlerrm;
    RETURN NULL;
END $$;
CREATE TRIGGER on_eth_wallet_balance_changes AFTER INSERT OR UPDATE ON eth_wallet_balances
    FOR EACH ROW EXECUTE FUNCTION handle_eth_wallet_balance_change();
