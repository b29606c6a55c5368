//! What each field of [`Rules`] changes: the same calls with the field as Python has it, and as Go
//! has it. Everything else stays Python's.

use crate::{
    handlers::{
        Rules,
        sandbox::{Sandbox, code, row, track},
    },
    model::{
        Json, Timestamp,
        table::Row,
        tables::{
            CommentMention, CommentNotificationSetting, CommentReaction, Event, Follow, MutedUser,
            Notification, PlaylistRoute, Reaction, Remix, Repost, Save, TableId, Track, TrackRoute,
            User, UserEvent, UserPayoutWallet, UserTip,
        },
        value::Value,
    },
};

const ARTIST: i64 = 3_000_001;
const FAN: i64 = 3_000_002;
const SONG: i64 = 2_000_001;
const OTHER_SONG: i64 = 2_000_002;
const LIST: i64 = 400_001;

/// The result of a scenario with Python's and with Go's value of a field.
fn both<T>(go: impl Fn(&mut Rules), scenario: impl Fn(&mut Sandbox) -> T) -> [T; 2] {
    let mut rules = Rules::python();
    go(&mut rules);
    assert_ne!(rules, Rules::python());
    [Rules::python(), rules].map(|rules| scenario(&mut world().under(rules)))
}

/// An artist with a song, and a fan.
fn world() -> Sandbox {
    Sandbox::new([artist(ARTIST), artist(FAN), track(SONG, ARTIST), track(OTHER_SONG, FAN)])
}

fn artist(id: i64) -> Row {
    let columns = [
        ("user_id", Value::Int(id)),
        ("handle", Value::Text(format!("user{id}"))),
        ("handle_lc", Value::Text(format!("user{id}"))),
        ("wallet", Value::Text(format!("0xu{id}"))),
        ("is_current", Value::Bool(true)),
        ("created_at", Value::Time(Timestamp::default())),
        ("updated_at", Value::Time(Timestamp::default())),
        ("txhash", Value::Text(String::new())),
    ];
    row(TableId::Users, &columns)
}

fn envelope(data: &str) -> String {
    format!(r#"{{"cid":"","data":{data}}}"#)
}

/// The code of a call by the artist.
fn act(chain: &mut Sandbox, action: &str, entity: &str, id: i64, metadata: &str) -> &'static str {
    code(&chain.call((ARTIST, action, entity, id, metadata)))
}

fn send(chain: &mut Sandbox, action: &str, entity: &str, id: i64, data: &str) -> &'static str {
    act(chain, action, entity, id, &envelope(data))
}

fn song(chain: &Sandbox) -> Track {
    chain.rows::<Track>().into_iter().find(|track| track.track_id == SONG).unwrap()
}

fn me(chain: &Sandbox) -> User {
    chain.rows::<User>().into_iter().find(|user| user.user_id == ARTIST).unwrap()
}

#[test]
fn the_presets_differ_in_every_field() {
    let (python, go) = (format!("{:?}", Rules::python()), format!("{:?}", Rules::go()));
    assert!(!python.contains("false") && !go.contains("true"));
}

#[test]
fn whole_seconds() {
    let time = Timestamp::from_micros(1_700_000_000_123_456);
    assert_eq!(Rules::python().time_of(time), Timestamp::from_seconds(1_700_000_000));
    assert_eq!(Rules::go().time_of(time), time);
}

#[test]
fn failed_calls_leave_rows() {
    let routes = both(
        |rules| rules.failed_calls_leave_rows = false,
        |chain| {
            let data = new_song(
                r#","is_download_gated":true,
                    "download_conditions":{"usdc_purchase":{"price":1.5,"splits":{"x":1}}}"#,
            );
            let code = send(chain, "Create", "Track", 2_000_009, &data);
            (code, chain.rows::<TrackRoute>().len())
        },
    );
    assert_eq!(routes, [("price_not_integer", 1), ("price_not_integer", 0)]);
}

#[test]
fn records_skipped() {
    let recorded = both(
        |rules| rules.records_skipped = false,
        |chain| {
            let tx = chain.tx_of((
                ARTIST,
                "Update",
                "Event",
                9,
                "{\"cid\":\"\",\"data\":{\"end_date\":null}}",
            ));
            chain.transactions(vec![tx]).skipped.len()
        },
    );
    assert_eq!(recorded, [1, 0]);
}

#[test]
fn direct_notifications() {
    let written = both(
        |rules| rules.direct_notifications = false,
        |chain| {
            let data = format!(r#"{{"entity_type":"Track","entity_id":{OTHER_SONG},"body":"x"}}"#);
            assert_eq!(send(chain, "Create", "Comment", 4_000_001, &data), "applied");
            chain.rows::<Notification>().len()
        },
    );
    assert_eq!(written, [1, 0]);
}

#[test]
fn user_events_and_payout_history() {
    let data = r#"{"events":{"is_mobile_user":true},"spl_usdc_payout_wallet":null}"#;
    let events = both(
        |rules| rules.user_events = false,
        |chain| {
            assert_eq!(send(chain, "Update", "User", ARTIST, data), "applied");
            (chain.rows::<UserEvent>().len(), chain.rows::<UserPayoutWallet>().len())
        },
    );
    assert_eq!(events, [(1, 1), (0, 1)]);
    let history = both(
        |rules| rules.payout_history = false,
        |chain| {
            send(chain, "Update", "User", ARTIST, data);
            chain.rows::<UserPayoutWallet>().len()
        },
    );
    assert_eq!(history, [1, 0]);
}

#[test]
fn collectibles() {
    let codes = both(
        |rules| rules.collectibles = false,
        |chain| send(chain, "Create", "Collectibles", 0, r#"{"collectibles":{"a":1}}"#),
    );
    assert_eq!(codes, ["applied", "unhandled"]);
}

#[test]
fn rewrites_reset_created_at() {
    let reset = both(
        |rules| rules.rewrites_reset_created_at = false,
        |chain| {
            for action in ["Mute", "Unmute", "Mute"] {
                assert_eq!(act(chain, action, "User", FAN, ""), "applied");
                act(chain, action, "Track", SONG, "");
            }
            let mute = chain.rows::<MutedUser>().remove(0);
            let setting = chain.rows::<CommentNotificationSetting>().remove(0);
            [mute.created_at == mute.updated_at, setting.created_at == setting.updated_at]
        },
    );
    assert_eq!(reset, [[true, true], [false, false]]);
}

#[test]
fn self_mute() {
    let mute = |chain: &mut Sandbox| act(chain, "Mute", "User", ARTIST, "");
    assert_eq!(both(|rules| rules.self_mute = false, mute), ["applied", "self_mute"]);
}

#[test]
fn unmute_repeats() {
    let codes = both(
        |rules| rules.unmute_repeats = false,
        |chain| {
            act(chain, "Mute", "User", FAN, "");
            act(chain, "Unmute", "User", FAN, "");
            [act(chain, "Unmute", "User", FAN, ""), act(chain, "Unmute", "User", 9, "")]
        },
    );
    assert_eq!(codes, [["applied", "muted_user_not_found"], ["not_muted", "not_muted"]]);
}

#[test]
fn unlink_repeats() {
    let linked = row(
        TableId::DashboardWalletUsers,
        &[
            ("wallet", Value::Text("0xabc".to_owned())),
            ("user_id", Value::Int(ARTIST)),
            ("is_delete", Value::Bool(true)),
            ("created_at", Value::Time(Timestamp::default())),
            ("updated_at", Value::Time(Timestamp::default())),
            ("txhash", Value::Text(String::new())),
        ],
    );
    let codes = [true, false].map(|repeats| {
        let rules = Rules { unlink_repeats: repeats, ..Rules::python() };
        let mut chain = Sandbox::new([artist(ARTIST), linked.clone()]).under(rules);
        act(&mut chain, "Delete", "DashboardWalletUser", 0, r#"{"wallet":"0xabc"}"#)
    });
    assert_eq!(codes, ["applied", "wallet_not_linked"]);
}

#[test]
fn verifier_announces() {
    let codes = both(
        |rules| rules.verifier_announces = false,
        |chain| {
            let object = act(chain, "Create", "Notification", 0, r#"{"title":"t"}"#);
            [object, act(chain, "Create", "Notification", 0, "[]")]
        },
    );
    assert_eq!(codes, [["signer_not_verifier"; 2], ["applied", "metadata_not_object"]]);
}

#[test]
fn verify_one_platform() {
    let found = both(
        |rules| rules.verify_one_platform = false,
        |chain| {
            chain.sign_as(Some("0xVerifier"));
            let data = r#"{"is_verified":true,"twitter_handle":"a","tiktok_handle":"b"}"#;
            assert_eq!(send(chain, "Verify", "User", ARTIST, data), "applied");
            let user = me(chain);
            let unknown = (9, "Verify", "User", 9, r#"{"cid":"","data":{"is_verified":true}}"#);
            let unknown = matches!(chain.call(unknown), crate::handlers::Outcome::Rejected(_));
            (user.tiktok_handle.is_some(), user.verified_with_tiktok == Some(true), unknown)
        },
    );
    assert_eq!(found, [(false, false, false), (true, true, true)]);
}

#[test]
fn pick_deleted_track() {
    let codes = both(
        |rules| rules.pick_deleted_track = false,
        |chain| {
            assert_eq!(act(chain, "Delete", "Track", SONG, ""), "applied");
            let pick = format!(r#"{{"artist_pick_track_id":{SONG}}}"#);
            send(chain, "Update", "User", ARTIST, &pick)
        },
    );
    assert_eq!(codes, ["applied", "artist_pick_not_found"]);
}

#[test]
fn long_names() {
    let codes = both(
        |rules| rules.long_names = false,
        |chain| {
            [32, 33].map(|length| {
                let data = format!(r#"{{"name":"{}"}}"#, "é".repeat(length));
                send(chain, "Update", "User", ARTIST, &data)
            })
        },
    );
    assert_eq!(codes, [["applied", "applied"], ["applied", "name_too_long"]]);
}

#[test]
fn pictures_are_immutable() {
    let pictures = both(
        |rules| rules.pictures_are_immutable = false,
        |chain| {
            let data = r#"{"profile_picture":"Qm1","cover_photo":"Qm2"}"#;
            assert_eq!(send(chain, "Update", "User", ARTIST, data), "applied");
            let user = me(chain);
            [user.profile_picture, user.cover_photo]
        },
    );
    assert_eq!(pictures, [[None, None], [Some("Qm1".to_owned()), Some("Qm2".to_owned())]]);
}

#[test]
fn idle_social_calls() {
    let rejected = |rules: &mut Rules| rules.idle_social_calls = false;
    for (entity, id, on, off) in [
        ("User", FAN, "Follow", "Unfollow"),
        ("User", FAN, "Subscribe", "Unsubscribe"),
        ("Track", OTHER_SONG, "Save", "Unsave"),
        ("Track", OTHER_SONG, "Repost", "Unrepost"),
    ] {
        let codes = both(rejected, |chain| {
            [off, on, on, off, off].map(|action| act(chain, action, entity, id, ""))
        });
        assert_eq!(codes[0], ["applied"; 5], "{on}");
        let idle = "nothing_to_take_back";
        assert_eq!(codes[1], [idle, "applied", "repeated", "applied", idle], "{on}");
    }
    let rows = both(rejected, |chain| {
        act(chain, "Unfollow", "User", FAN, "");
        chain.rows::<Follow>().len()
    });
    assert_eq!(rows, [1, 0]);
}

#[test]
fn own_content_refused() {
    let codes = both(
        |rules| rules.own_content_refused = false,
        |chain| ["Save", "Repost", "Share"].map(|action| act(chain, action, "Track", SONG, "")),
    );
    assert_eq!(codes, [["own_content"; 3], ["applied"; 3]]);
}

#[test]
fn loose_repost_flag() {
    let flags = both(
        |rules| rules.loose_repost_flag = false,
        |chain| {
            act(chain, "Save", "Track", OTHER_SONG, r#"{"is_save_of_repost":"false"}"#);
            let data = r#"{"cid":"","data":{"is_repost_of_repost":true}}"#;
            act(chain, "Repost", "Track", OTHER_SONG, data);
            (
                chain.rows::<Save>().remove(0).is_save_of_repost,
                chain.rows::<Repost>().remove(0).is_repost_of_repost,
            )
        },
    );
    assert_eq!(flags, [(Some(true), Some(false)), (Some(false), Some(true))]);
}

#[test]
fn reactions_are_final() {
    let codes = both(
        |rules| rules.reactions_are_final = false,
        |chain| {
            let comment = format!(r#"{{"entity_type":"Track","entity_id":{SONG},"body":"x"}}"#);
            send(chain, "Create", "Comment", 4_000_001, &comment);
            let react = envelope(&format!(r#"{{"entity_type":"Track","entity_id":{SONG}}}"#));
            let mut codes = Vec::new();
            for (action, metadata) in
                [("React", &react), ("Unreact", &String::new()), ("Unreact", &String::new())]
            {
                codes.push(act(chain, action, "Comment", 4_000_001, metadata));
            }
            codes.push(act(chain, "React", "Comment", 4_000_001, &react));
            let row = chain.rows::<CommentReaction>().remove(0);
            (codes, row.created_at == row.updated_at, row.is_delete)
        },
    );
    let again = ["applied", "applied", "not_reacted", "applied"];
    assert_eq!(
        found(&codes[0]),
        (&["applied", "applied", "applied", "already_reacted"][..], false, Some(true))
    );
    assert_eq!(found(&codes[1]), (&again[..], false, Some(false)));
}

type Reacted = (Vec<&'static str>, bool, Option<bool>);

fn found((codes, same_time, is_delete): &Reacted) -> (&[&'static str], bool, Option<bool>) {
    (codes, *same_time, *is_delete)
}

#[test]
fn comment_names_entity_type() {
    let codes = both(
        |rules| rules.comment_names_entity_type = false,
        |chain| {
            let data = format!(r#"{{"entity_id":{SONG},"body":"x"}}"#);
            send(chain, "Create", "Comment", 4_000_001, &data)
        },
    );
    assert_eq!(codes, ["entity_type_not_track", "applied"]);
}

#[test]
fn repeated_mentions_rest() {
    let hashes = both(
        |rules| rules.repeated_mentions_rest = false,
        |chain| {
            let data = format!(
                r#"{{"entity_type":"Track","entity_id":{SONG},"body":"x","mentions":[{FAN}]}}"#
            );
            for action in ["Create", "Update"] {
                assert_eq!(send(chain, action, "Comment", 4_000_001, &data), "applied");
            }
            let mention = chain.rows::<CommentMention>().remove(0);
            (mention.created_at == mention.updated_at, mention.is_delete)
        },
    );
    assert_eq!(hashes, [(true, Some(false)), (false, Some(false))]);
}

#[test]
fn pins_rewrite_tracks() {
    let hashes = both(
        |rules| rules.pins_rewrite_tracks = false,
        |chain| {
            let data = format!(r#"{{"entity_type":"Track","entity_id":{SONG},"body":"x"}}"#);
            send(chain, "Create", "Comment", 4_000_001, &data);
            let before = song(chain);
            assert_eq!(send(chain, "Pin", "Comment", 4_000_001, &data), "applied");
            let after = song(chain);
            assert_eq!(after.pinned_comment_id, Some(4_000_001));
            assert!(after.updated_at > before.updated_at);
            (after.txhash == before.txhash, after.blocknumber == before.blocknumber)
        },
    );
    assert_eq!(hashes, [(false, false), (true, true)]);
}

const CONTEST: &str = r#"{"event_type":"remix_contest","entity_type":"track","entity_id":2000001,
    "end_date":"2035-01-01T10:00:00"}"#;

#[test]
fn events_without_end() {
    let found = both(
        |rules| rules.events_without_end = false,
        |chain| {
            let endless = CONTEST.replace("\"2035-01-01T10:00:00\"", "null");
            let refused = send(chain, "Create", "Event", 1, &endless);
            send(chain, "Create", "Event", 2, CONTEST);
            send(chain, "Update", "Event", 2, r#"{"end_date":null}"#);
            let event = chain.rows::<Event>().into_iter().find(|event| event.event_id == 2);
            (refused, event.and_then(|event| event.end_date).is_some())
        },
    );
    assert_eq!(found, [("applied", false), ("end_date_missing", true)]);
}

#[test]
fn contests_of_one_block() {
    let applied = both(
        |rules| rules.contests_of_one_block = false,
        |chain| {
            let contest = envelope(CONTEST);
            chain.block(&[1, 2].map(|id| (ARTIST, "Create", "Event", id, contest.as_str())));
            let later = send(chain, "Create", "Event", 3, CONTEST);
            (chain.rows::<Event>().len(), later)
        },
    );
    assert_eq!(applied, [(2, "contest_running"), (1, "contest_running")]);
}

#[test]
fn deleted_events_change() {
    let codes = both(
        |rules| rules.deleted_events_change = false,
        |chain| {
            send(chain, "Create", "Event", 1, CONTEST);
            act(chain, "Delete", "Event", 1, "");
            act(chain, "Delete", "Event", 1, "")
        },
    );
    assert_eq!(codes, ["applied", "event_deleted"]);
}

#[test]
fn unsigned_tip_reactions() {
    let tip = UserTip {
        slot: 1,
        signature: "sig".into(),
        sender_user_id: FAN,
        receiver_user_id: ARTIST,
        amount: 1,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    };
    let reactions = [true, false].map(|unsigned| {
        let rules = Rules { unsigned_tip_reactions: unsigned, ..Rules::python() };
        let rows: [Row; 3] = [artist(ARTIST), artist(FAN), std::sync::Arc::new(tip.clone())];
        let mut chain = Sandbox::new(rows).under(rules);
        chain.sign_as(Some("0xSomebody"));
        send(&mut chain, "Update", "Tip", 0, r#"{"reacted_to":"sig","reaction_value":1}"#);
        chain.rows::<Reaction>().len()
    });
    assert_eq!(reactions, [1, 0]);
}

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

/// Metadata of a new song by the artist.
fn new_song(more: &str) -> String {
    format!(r#"{{"title":"Song","owner_id":{ARTIST}{more}}}"#)
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
        song.stream_conditions = Some(std::sync::Arc::new(Json::parse(&conditions).unwrap()));
    };
    let codes = [true, false].map(|checked| {
        let mut song = world().rows::<Track>().into_iter().find(|it| it.track_id == OTHER_SONG);
        let song = song.as_mut().unwrap();
        gated(song);
        let rules = Rules { remix_access: checked, ..Rules::python() };
        let rows: [Row; 3] = [artist(ARTIST), artist(FAN), std::sync::Arc::new(song.clone())];
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
    let hash_id = super::hashid::encode(SONG);
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
    let unrouted = row(
        TableId::Playlists,
        &[
            ("playlist_id", Value::Int(LIST)),
            ("playlist_owner_id", Value::Int(ARTIST)),
            ("playlist_name", Value::Text("one".to_owned())),
            ("playlist_contents", Value::Json(Json::parse(r#"{"track_ids":[]}"#).unwrap().into())),
            ("is_album", Value::Bool(false)),
            ("is_private", Value::Bool(false)),
            ("is_delete", Value::Bool(false)),
            ("is_current", Value::Bool(true)),
            ("created_at", Value::Time(Timestamp::default())),
            ("updated_at", Value::Time(Timestamp::default())),
            ("txhash", Value::Text(String::new())),
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
