//! Tests of notifications.

use crate::{
    eras::etl::sandbox::{Sandbox, code, row, user},
    model::{
        tables::{Notification, NotificationSeen, PlaylistView, TableId},
        value::Value,
    },
};

const NOTIFICATION: &str = "Notification";

#[test]
fn the_first_announcement_of_a_block_is_kept_as_it_was_sent() {
    let mut chain = Sandbox::new([]);
    let exact = r#"{"cid":"","data":{"n":1.50,"big":12345678901234567890123,"e":1E2}}"#;
    let create = |metadata| (9, "Create", NOTIFICATION, 0, metadata);
    chain.block(&[create("[1]"), create(exact), create("null")]);
    let rows = chain.rows::<Notification>();
    assert_eq!((rows.len(), rows[0].group_id.as_str()), (1, "announcement:blocknumber:1"));
    assert_eq!(rows[0].data.as_ref().unwrap().to_json_text(), exact);
    for (metadata, outcome) in [
        ("", "announcement_empty"),
        ("1e400", "announcement_not_json"),
        ("[1]", "announcement_not_json"),
        (r#"{"a":1e400}"#, "announcement_not_json"),
        (r#"{"a":"\ud800"}"#, "lone_surrogate_in_jsonb"),
        (r#"{"a":"\u0000"}"#, "refused_by_schema"),
    ] {
        assert_eq!(code(&chain.call(create(metadata))), outcome, "{metadata}");
    }
}

#[test]
fn a_view_is_noted_once_a_block() {
    let playlist = row(
        TableId::Playlists,
        &[
            ("playlist_id", Value::Int(5)),
            ("playlist_owner_id", Value::Int(2)),
            ("is_current", Value::Bool(true)),
            ("is_delete", Value::Bool(true)),
            ("is_album", Value::Bool(false)),
            ("is_private", Value::Bool(true)),
            ("playlist_contents", Value::Json(std::sync::Arc::default())),
            ("created_at", Value::Time(crate::eras::etl::sandbox::START)),
            ("updated_at", Value::Time(crate::eras::etl::sandbox::START)),
            ("txhash", Value::Text(String::new())),
        ],
    );
    let mut chain = Sandbox::new([user(1), playlist]);
    let playlist = (1, "ViewPlaylist", NOTIFICATION, 5, "");
    let all = (1, "View", NOTIFICATION, 0, "");
    for _ in 0..2 {
        let outcomes = chain.block(&[playlist, playlist, all, all]);
        assert_eq!(outcomes.iter().map(code).collect::<Vec<_>>(), ["applied"; 4]);
    }
    let views = chain.rows::<PlaylistView>();
    assert_eq!((views.len(), views.iter().all(|view| view.is_current)), (2, true));
    assert_eq!(chain.rows::<NotificationSeen>().len(), 2);
    let missing = (1, "ViewPlaylist", NOTIFICATION, 6, "");
    assert_eq!(code(&chain.call(missing)), "playlist_not_found");
    assert_eq!(code(&chain.call((9, "View", NOTIFICATION, 0, ""))), "user_not_found");
}
