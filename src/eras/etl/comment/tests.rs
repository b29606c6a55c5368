//! Tests of comments and what hangs on them.

use crate::{
    eras::etl::sandbox::{Sandbox, code, track, user},
    model::tables::{
        Comment, CommentMention, CommentNotificationSetting, CommentReaction, CommentThread, Track,
    },
};

/// Users 1 to 3; user 1 owns tracks 10 and 11.
fn sandbox() -> Sandbox {
    Sandbox::new([user(1), user(2), user(3), track(10, 1), track(11, 1)])
}

fn create(chain: &mut Sandbox, user: i64, id: i64, metadata: &str) -> &'static str {
    code(&chain.call((user, "Create", "Comment", id, metadata)))
}

const ON_TRACK: &str = r#"{"entity_id":10,"body":"b"}"#;

#[test]
fn malformed_comments_are_refused() {
    let mut chain = sandbox();
    let long = format!(r#"{{"entity_id":10,"body":"{}"}}"#, "ü".repeat(401));
    for (metadata, reason) in [
        ("", "entity_id_missing"),
        (r#"{"entity_id":"10","body":"b"}"#, "entity_id_missing"),
        (r#"{"entity_id":10,"entity_type":"track","body":"b"}"#, "entity_type_unsupported"),
        (r#"{"entity_id":9,"body":"b"}"#, "track_not_found"),
        (r#"{"entity_id":9,"entity_type":"Event","body":"b"}"#, "event_not_found"),
        (r#"{"entity_id":3e9,"body":"b"}"#, "integer_out_of_range"),
        (r#"{"entity_id":10,"body":5}"#, "body_empty"),
        (&long, "body_too_long"),
        (r#"{"entity_id":10,"body":"b","is_members_only":true}"#, "members_only_outside_fan_club"),
        (r#"{"entity_id":10,"body":"a\u0000b"}"#, "refused_by_schema"),
    ] {
        assert_eq!(create(&mut chain, 2, 1, metadata), reason, "{metadata}");
    }
    assert!(chain.rows::<Comment>().is_empty());
}

#[test]
fn a_fan_club_is_not_looked_up() {
    let mut chain = sandbox();
    let post = r#"{"entity_id":99,"entity_type":"FanClub","body":"b","is_members_only":true,
                   "video_url":"","track_timestamp_s":7.9}"#;
    assert_eq!(create(&mut chain, 2, 1, post), "applied");
    let comment = &chain.rows::<Comment>()[0];
    assert_eq!((comment.is_members_only, comment.track_timestamp_s), (Some(true), Some(7)));
    assert_eq!(comment.video_url, None);
    let edit = |text: &str| format!(r#"{{"entity_id":10,"body":"c"{text}}}"#);
    chain.call((3, "Update", "Comment", 1, &edit(r#","video_url":null"#)));
    let comment = &chain.rows::<Comment>()[0];
    assert_eq!((comment.video_url.as_deref(), comment.is_edited), (Some(""), Some(true)));
    assert_eq!((comment.text.as_str(), comment.blockhash.as_str()), ("c", "block 1"));
}

#[test]
fn an_answer_is_about_what_its_parent_is_about() {
    let mut chain = sandbox();
    create(&mut chain, 2, 1, ON_TRACK);
    let answer = |track, parent: &str| format!(r#"{{"entity_id":{track},"body":"b",{parent}}}"#);
    for (id, sent, reason) in [
        (2, answer(11, r#""parent_comment_id":1"#), "parent_elsewhere"),
        (2, answer(10, r#""parent_comment_id":7"#), "parent_not_found"),
        (2, answer(10, r#""parent_comment_id":3e9"#), "integer_out_of_range"),
        (2, answer(10, r#""parent_comment_id":"1""#), "applied"),
        (3, answer(10, r#""parent_comment_id":-1,"parent_id":1.5"#), "applied"),
        (4, answer(10, r#""parent_comment_id":1e30"#), "applied"),
    ] {
        assert_eq!(create(&mut chain, 3, id, &sent), reason, "{sent}");
    }
    let threads = chain.rows::<CommentThread>();
    let pairs: Vec<_> = threads.iter().map(|row| (row.parent_comment_id, row.comment_id)).collect();
    assert_eq!(pairs, [(1, 3)]);
}

#[test]
fn mentions_are_cut_before_they_are_read() {
    let mut chain = sandbox();
    let list = r#"["a",1,1,2.7,null,true,3,4,5,6,7,8]"#;
    create(&mut chain, 2, 1, &format!(r#"{{"entity_id":10,"body":"b","mentions":{list}}}"#));
    let active = |chain: &Sandbox| {
        let rows = chain.rows::<CommentMention>();
        let rows = rows.into_iter().filter(|row| row.is_delete == Some(false));
        rows.map(|row| (row.user_id, row.blockhash)).collect::<Vec<_>>()
    };
    assert_eq!(active(&chain).iter().map(|row| row.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    for (list, users) in [("[3,9]", vec![3, 9]), ("[\"a\"]", vec![3, 9]), ("[1]", vec![1])] {
        let edit = format!(r#"{{"entity_id":10,"body":"b","mentions":{list}}}"#);
        chain.call((2, "Update", "Comment", 1, &edit));
        assert_eq!(active(&chain).iter().map(|row| row.0).collect::<Vec<_>>(), users, "{list}");
    }
    assert_eq!(active(&chain), [(1, "block 1".to_owned())]);
}

#[test]
fn a_comment_is_deleted_once_by_its_author_or_the_owner_of_the_track() {
    let mut chain = sandbox();
    let post = r#"{"entity_id":1,"entity_type":"FanClub","body":"b"}"#;
    create(&mut chain, 2, 1, ON_TRACK);
    create(&mut chain, 2, 2, post);
    let delete =
        |chain: &mut Sandbox, user, id| code(&chain.call((user, "Delete", "Comment", id, "")));
    assert_eq!(delete(&mut chain, 3, 1), "comment_of_other");
    assert_eq!(delete(&mut chain, 1, 2), "comment_without_track");
    assert_eq!(delete(&mut chain, 1, 1), "applied");
    assert_eq!(delete(&mut chain, 1, 1), "comment_deleted");
    assert_eq!(delete(&mut chain, 1, 9), "comment_not_found");
    assert_eq!(create(&mut chain, 2, 1, ON_TRACK), "comment_exists");
}

#[test]
fn a_reaction_comes_back_with_its_first_time() {
    let mut chain = sandbox();
    create(&mut chain, 2, 1, ON_TRACK);
    let mut call = |action| code(&chain.call((3, action, "Comment", 1, "")));
    assert_eq!(
        [call("Unreact"), call("React"), call("React")],
        ["reaction_not_found", "applied", "reaction_exists"]
    );
    assert_eq!(
        [call("Unreact"), call("Unreact"), call("React")],
        ["applied", "reaction_not_found", "applied"]
    );
    assert_eq!([call("Report"), call("Report")], ["applied", "report_exists"]);
    let reaction = &chain.rows::<CommentReaction>()[0];
    assert_eq!((reaction.is_delete, reaction.blockhash.as_str()), (Some(false), "block 3"));
    assert!(reaction.created_at < reaction.updated_at);
}

#[test]
fn a_pin_changes_nothing_else_of_the_track_but_its_time() {
    let mut chain = sandbox();
    create(&mut chain, 2, 1, ON_TRACK);
    let mut call =
        |user, action, metadata| code(&chain.call((user, action, "Comment", 1, metadata)));
    assert_eq!(call(1, "Unpin", r#"{"entity_id":11}"#), "comment_not_pinned");
    assert_eq!(call(2, "Pin", r#"{"entity_id":11}"#), "track_of_other");
    assert_eq!(call(1, "Pin", r#"{"entity_id":"11"}"#), "entity_id_missing");
    assert_eq!(call(1, "Pin", r#"{"entity_id":11}"#), "applied");
    assert_eq!(call(1, "Pin", r#"{"entity_id":11}"#), "comment_pinned");
    let track = &chain.rows::<Track>()[1];
    assert_eq!((track.pinned_comment_id, track.txhash.as_str()), (Some(1), ""));
    assert!(track.updated_at > track.created_at);
}

#[test]
fn a_mute_is_nobodys_business() {
    let mut chain = sandbox();
    for action in ["Unmute", "Mute"] {
        assert_eq!(code(&chain.call((77, action, "Comment", 5, "[]"))), "applied");
    }
    let setting = &chain.rows::<CommentNotificationSetting>()[0];
    assert_eq!(setting.is_muted, Some(true));
    assert!(setting.created_at < setting.updated_at);
}
