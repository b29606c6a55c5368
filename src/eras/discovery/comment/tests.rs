//! Tests of who is told of a comment, and of what is refused.

use crate::{
    eras::discovery::sandbox::{Sandbox, Sent, code, row, track, user},
    model::{
        tables::{
            Comment, CommentMention, CommentReaction, CommentThread, Notification, TableId, Track,
        },
        value::Value,
    },
};

/// User 1 owns track 10; 2, 3 and 4 comment.
fn sandbox() -> Sandbox {
    Sandbox::new([user(1), user(2), user(3), user(4), track(10, 1)])
}

fn metadata(more: &str) -> String {
    format!(r#"{{"cid":"","data":{{"entity_type":"Track","entity_id":10,"body":"x"{more}}}}}"#)
}

fn told(chain: &Sandbox) -> Vec<(String, String, Vec<i64>)> {
    let rows = chain.rows::<Notification>();
    rows.into_iter()
        .map(|row| (row.group_id, row.specifier, row.user_ids.unwrap_or_default()))
        .collect()
}

fn entry(group: &str, specifier: &str, user: i64) -> (String, String, Vec<i64>) {
    (group.into(), specifier.into(), vec![user])
}

#[test]
fn the_owner_hears_of_a_comment_and_the_author_of_an_answer() {
    let mut chain = sandbox();
    let plain = metadata("");
    chain.call((1, "Create", "Comment", 100, &plain));
    assert_eq!(told(&chain), []);
    chain.call((2, "Create", "Comment", 101, &plain));
    chain.call((3, "Create", "Comment", 102, &metadata(r#","parent_comment_id":101"#)));
    assert_eq!(
        told(&chain),
        [entry("comment:10:type:Track", "101", 1), entry("comment_thread:101", "102", 2)]
    );
    assert_eq!(chain.rows::<CommentThread>().len(), 1);
}

#[test]
fn the_mentioned_hear_of_it_once() {
    let mut chain = sandbox();
    let both = metadata(r#","mentions":[3,1,3,2]"#);
    let one = metadata(r#","mentions":[3]"#);
    let calls: [Sent<'_>; 4] = [
        (2, "Create", "Comment", 100, &both),
        (4, "Update", "Comment", 100, &one),
        (2, "Update", "Comment", 100, &both),
        (2, "Update", "Comment", 100, &metadata("")),
    ];
    for call in calls {
        assert_eq!(code(&chain.call(call)), "applied");
    }
    assert_eq!(
        told(&chain),
        [entry("comment_mention:100", "1", 1), entry("comment_mention:100", "3", 3)]
    );
    let mentions = chain.rows::<CommentMention>();
    let rows: Vec<_> =
        mentions.iter().map(|row| (row.user_id, row.is_delete, row.txhash.as_str())).collect();
    assert_eq!(rows, [(1, Some(false), "3/0"), (2, Some(false), "3/0"), (3, Some(false), "1/0")]);
    assert_eq!(chain.rows::<Comment>()[0].user_id, 2);
}

#[test]
fn users_muted_by_many_followers_are_not_heard_of() {
    let muted = |muter| {
        let time = Value::Time(crate::model::Timestamp::from_seconds(0));
        let text = |text: &str| Value::Text(text.into());
        row(
            TableId::MutedUsers,
            &[
                ("user_id", Value::Int(muter)),
                ("muted_user_id", Value::Int(2)),
                ("is_delete", Value::Bool(true)),
                ("created_at", time.clone()),
                ("updated_at", time),
                ("txhash", text("")),
                ("blockhash", text("")),
            ],
        )
    };
    let followed = |user, followers| {
        row(
            TableId::AggregateUsers,
            &[("user_id", Value::Int(user)), ("follower_count", Value::Int(followers))],
        )
    };
    let base = || vec![user(1), user(2), user(3), track(10, 1), muted(3), muted(4)];
    for (followers, comments, reactions) in [(49, 1, 1), (50, 0, 1), (51, 0, 0)] {
        let mut rows = base();
        rows.extend([followed(3, 50), followed(4, followers)]);
        let mut chain = Sandbox::new(rows);
        chain.call((2, "Create", "Comment", 100, &metadata("")));
        assert_eq!(told(&chain).len(), comments, "{followers}");
        chain.call((3, "Create", "Comment", 101, &metadata("")));
        let before = told(&chain).len();
        chain.call((2, "React", "Comment", 101, &metadata("")));
        assert_eq!(told(&chain).len() - before, reactions, "{followers}");
    }
}

#[test]
fn a_reaction_taken_back_cannot_be_given_again() {
    let mut chain = sandbox();
    let data = metadata("");
    chain.call((2, "Create", "Comment", 100, &data));
    for (action, outcome) in [
        ("Unreact", "not_reacted"),
        ("React", "applied"),
        ("React", "already_reacted"),
        ("Unreact", "applied"),
        ("Unreact", "applied"),
        ("React", "already_reacted"),
    ] {
        assert_eq!(code(&chain.call((3, action, "Comment", 100, &data))), outcome, "{action}");
    }
    assert_eq!(chain.rows::<CommentReaction>()[0].is_delete, Some(true));
}

#[test]
fn without_metadata_a_reaction_of_before_the_block_is_not_seen() {
    let mut chain = sandbox();
    let data = metadata("");
    chain.call((2, "Create", "Comment", 100, &data));
    chain.call((3, "React", "Comment", 100, &data));
    let react = |user: i64, data| (user, "React", "Comment", 100, data);
    let outcomes = chain.block(&[
        (3, "Follow", "User", 2, ""),
        react(3, ""),
        react(2, data.as_str()),
        react(2, ""),
    ]);
    let codes: Vec<_> = outcomes.iter().map(code).collect();
    assert_eq!(codes, ["applied", "metadata_empty", "applied", "already_reacted"]);
}

#[test]
fn a_reaction_about_an_unknown_track_is_kept_and_skipped() {
    let mut chain = sandbox();
    chain.call((2, "Create", "Comment", 100, &metadata("")));
    let elsewhere = r#"{"cid":"","data":{"entity_id":11}}"#;
    assert_eq!(code(&chain.call((3, "React", "Comment", 100, elsewhere))), "track_not_found");
    assert_eq!(chain.rows::<CommentReaction>().len(), 1);
}

#[test]
fn malformed_comments_are_refused() {
    let mut chain = sandbox();
    let long = format!(r#""body":"{}""#, "é".repeat(401));
    for (more, reason) in [
        (r#""entity_type":"Event""#, "entity_type_not_track"),
        (r#""entity_id":"10""#, "track_not_found"),
        (r#""entity_id":null"#, "entity_id_null"),
        (r#""body":"""#, "body_empty"),
        (r#""body":5"#, "body_without_length"),
        (r#""body":{"a":1}"#, "text_column"),
        (long.as_str(), "body_too_long"),
        (r#""parent_comment_id":7"#, "parent_not_found"),
        (r#""parent_comment_id":7.0"#, "parent_not_integer"),
        (r#""mentions":"3""#, "mentions_not_integers"),
        (r#""mentions":3"#, "mentions_not_iterable"),
        (r#""mentions":[true]"#, "mention_boolean"),
        (r#""mentions":[3000000000]"#, "refused_by_schema"),
        (r#""track_timestamp_s":"abc""#, "integer_text"),
    ] {
        let metadata = metadata(&format!(",{more}"));
        assert_eq!(code(&chain.call((2, "Create", "Comment", 100, &metadata))), reason, "{more}");
    }
    let odd = metadata(r#","entity_id":10.0,"body":["a","b"],"mentions":[1,true]"#);
    assert_eq!(code(&chain.call((2, "Create", "Comment", 100, &odd))), "applied");
    assert_eq!(chain.rows::<Comment>()[0].text, "{a,b}");
}

#[test]
fn a_comment_names_its_entity_type() {
    let mut chain = sandbox();
    let bare = r#"{"cid":"","data":{"entity_id":10,"body":"x"}}"#;
    assert_eq!(code(&chain.call((2, "Create", "Comment", 100, bare))), "entity_type_not_track");
}

#[test]
fn a_mention_that_an_edit_repeats_stays_as_it_is() {
    let mut chain = sandbox();
    let mentioning = metadata(r#","mentions":[3]"#);
    for action in ["Create", "Update"] {
        chain.call((2, action, "Comment", 100, &mentioning));
    }
    let mention = chain.rows::<CommentMention>().remove(0);
    assert_eq!((mention.txhash.as_str(), mention.is_delete), ("1/0", Some(false)));
}

#[test]
fn a_pin_is_a_new_version_of_the_track() {
    let mut chain = sandbox();
    let metadata = metadata("");
    chain.call((2, "Create", "Comment", 100, &metadata));
    assert_eq!(code(&chain.call((1, "Pin", "Comment", 100, &metadata))), "applied");
    let track = chain.rows::<Track>().remove(0);
    assert_eq!((track.pinned_comment_id, track.txhash.as_str()), (Some(100), "2/0"));
    assert_eq!(track.blocknumber, Some(2));
}
