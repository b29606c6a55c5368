//! Tracks and playlists.

use std::sync::Arc;

use super::{
    ARTIST, FAN, OTHER_SONG, SONG, act, artist, both, new_song, send, song, stored, world,
};
use crate::{
    eras::discovery::{Rules, rules::hashid, sandbox::Sandbox},
    model::{
        Json,
        table::Row,
        tables::{PlaylistRoute, Remix, TableId, Track, TrackRoute},
        value::Value,
    },
};

const LIST: i64 = 400_001;

#[test]
fn deleted_content_changes() {
    let codes = both(
        |rules| rules.deleted_content_changes = false,
        |chain| {
            send(chain, "Create", "Playlist", LIST, r#"{"playlist_name":"x"}"#);
            let mut codes = Vec::new();
            for (entity, id) in [("Track", SONG), ("Playlist", LIST)] {
                assert_eq!(act(chain, "Delete", entity, id, ""), "applied");
                codes.push(act(chain, "Delete", entity, id, ""));
                codes.push(send(chain, "Update", entity, id, r#"{"description":"x"}"#));
            }
            codes
        },
    );
    assert_eq!(codes[0], ["applied"; 4]);
    let (track, list) = ("track_deleted", "playlist_deleted");
    assert_eq!(codes[1], [track, track, list, list]);
}

#[test]
fn ddex_lock() {
    let codes = both(
        |rules| rules.ddex_lock = false,
        |chain| {
            let data = new_song(r#","ddex_app":"0xapp""#);
            assert_eq!(send(chain, "Create", "Track", 2_000_009, &data), "applied");
            act(chain, "Delete", "Track", 2_000_009, "")
        },
    );
    assert_eq!(codes, ["ddex_signer_mismatch", "applied"]);
}

#[test]
fn track_owner_is_free() {
    let codes = both(
        |rules| rules.track_owner_is_free = false,
        |chain| {
            let data = format!(r#"{{"title":"Song","owner_id":{FAN}}}"#);
            send(chain, "Create", "Track", 2_000_009, &data)
        },
    );
    assert_eq!(codes, ["applied", "owner_not_actor"]);
}

#[test]
fn untitled_tracks() {
    let codes = both(
        |rules| rules.untitled_tracks = false,
        |chain| {
            let data = format!(r#"{{"title":"","owner_id":{ARTIST}}}"#);
            send(chain, "Create", "Track", 2_000_009, &data)
        },
    );
    assert_eq!(codes, ["applied", "title_missing"]);
}

#[test]
fn remix_access() {
    let gated = |song: &mut Track| {
        song.is_stream_gated = Some(true);
        let conditions = format!(r#"{{"follow_user_id":{FAN}}}"#);
        song.stream_conditions = Some(Arc::new(Json::parse(&conditions).unwrap()));
    };
    let codes = [true, false].map(|checked| {
        let mut song = world().rows::<Track>().into_iter().find(|it| it.track_id == OTHER_SONG);
        let song = song.as_mut().unwrap();
        gated(song);
        let rules = Rules { remix_access: checked, ..Rules::python() };
        let rows: [Row; 3] = [artist(ARTIST), artist(FAN), Arc::new(song.clone())];
        let mut chain = Sandbox::new(rows).under(rules);
        let remix =
            new_song(&format!(r#","remix_of":{{"tracks":[{{"parent_track_id":{OTHER_SONG}}}]}}"#));
        send(&mut chain, "Create", "Track", 2_000_009, &remix)
    });
    assert_eq!(codes, ["remix_parent_gated", "applied"]);
}

#[test]
fn ai_consent() {
    let codes = both(
        |rules| rules.ai_consent = false,
        |chain| {
            let data = new_song(&format!(r#","ai_attribution_user_id":{FAN}"#));
            send(chain, "Create", "Track", 2_000_009, &data)
        },
    );
    assert_eq!(codes, ["ai_attribution_not_allowed", "applied"]);
}

#[test]
fn updates_drop_remixes() {
    let remixes = both(
        |rules| rules.updates_drop_remixes = false,
        |chain| {
            let of = format!(r#","remix_of":{{"tracks":[{{"parent_track_id":{OTHER_SONG}}}]}}"#);
            assert_eq!(send(chain, "Create", "Track", 2_000_009, &new_song(&of)), "applied");
            assert_eq!(send(chain, "Update", "Track", 2_000_009, r#"{"mood":"x"}"#), "applied");
            chain.rows::<Remix>().len()
        },
    );
    assert_eq!(remixes, [0, 1]);
}

#[test]
fn closed_genres() {
    let genres = both(
        |rules| rules.closed_genres = false,
        |chain| {
            let mut genres = Vec::new();
            for genre in ["Rock", "  dNb ", "dark  cabaret", "", &"x".repeat(101)] {
                let data = format!(r#"{{"genre":"{genre}"}}"#);
                let code = send(chain, "Update", "Track", SONG, &data);
                genres.push((code, song(chain).genre));
            }
            genres
        },
    );
    let rock = Some("Rock".to_owned());
    let refused = ("genre_unknown", rock.clone());
    let four = vec![refused.clone(), refused.clone(), refused.clone(), refused];
    assert_eq!(genres[0], [vec![("applied", rock.clone())], four].concat());
    assert_eq!(
        genres[1],
        [
            ("applied", rock),
            ("applied", Some("Drum & Bass".to_owned())),
            ("applied", Some("Dark Cabaret".to_owned())),
            ("applied", None),
            ("genre_too_long", None),
        ]
    );
}

#[test]
fn unicode_slugs() {
    let slugs = both(
        |rules| rules.unicode_slugs = false,
        |chain| {
            ["!!!", "Cafe\u{301}", "a\u{a0}b"].map(|title| {
                send(chain, "Update", "Track", SONG, &format!(r#"{{"title":"{title}"}}"#));
                let routes = chain.rows::<TrackRoute>();
                routes.into_iter().find(|route| route.is_current).unwrap().slug
            })
        },
    );
    let hash_id = hashid::encode(SONG);
    assert_eq!(slugs[0], [hash_id.as_str(), "caf\u{e9}", "a-b"].map(str::to_owned));
    assert_eq!(slugs[1], ["2000001", "cafe\u{301}", "a\u{a0}b"].map(str::to_owned));
}

#[test]
fn same_slug_keeps_route() {
    let slugs = both(
        |rules| rules.same_slug_keeps_route = false,
        |chain| {
            for title in ["Song", "song!"] {
                send(chain, "Update", "Track", SONG, &format!(r#"{{"title":"{title}"}}"#));
            }
            let routes = chain.rows::<TrackRoute>();
            routes.into_iter().find(|route| route.is_current).unwrap().slug
        },
    );
    assert_eq!(slugs, ["song", "song-1"]);
}

#[test]
fn updates_reroute_playlists() {
    // From a time before there were routes.
    let unrouted = stored(
        TableId::Playlists,
        [
            ("playlist_id", Value::Int(LIST)),
            ("playlist_owner_id", Value::Int(ARTIST)),
            ("playlist_name", Value::Text("one".to_owned())),
            ("playlist_contents", Value::Json(Json::parse(r#"{"track_ids":[]}"#).unwrap().into())),
            ("is_album", Value::Bool(false)),
            ("is_private", Value::Bool(false)),
            ("is_delete", Value::Bool(false)),
            ("is_current", Value::Bool(true)),
        ],
    );
    let routes = [true, false].map(|reroutes| {
        let rules = Rules { updates_reroute_playlists: reroutes, ..Rules::python() };
        let mut chain = Sandbox::new([artist(ARTIST), unrouted.clone()]).under(rules);
        [r#"{"description":"x"}"#, r#"{"playlist_name":"one"}"#, r#"{"playlist_name":"two"}"#].map(
            |data| {
                assert_eq!(send(&mut chain, "Update", "Playlist", LIST, data), "applied");
                chain.rows::<PlaylistRoute>().len()
            },
        )
    });
    assert_eq!(routes, [[1, 1, 2], [0, 0, 1]]);
}
