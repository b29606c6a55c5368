//! What one block makes triggers derive, seen in the rows that are stored.

use crate::{
    eras::etl::sandbox::{Sandbox, row, track, user},
    model::{
        Json, Timestamp, TxBody,
        block::Play,
        table::{Record as _, downcast},
        tables::{
            AggregateMonthlyPlays, AggregatePlays, AggregateTrack, AggregateUser, CurrentFollow,
            DistinctPlayHours, DistinctPlayTracks, Milestone, Notification, TableId, Track,
        },
        value::Value,
    },
};

const CONTEST: &str = r#"{"event_type":"remix_contest","entity_type":"track","entity_id":10,
                         "end_date":"2035-01-01T10:00:00Z"}"#;

/// Users 1 to 4; user 1 owns track 10.
fn sandbox() -> Sandbox {
    Sandbox::deriving((1..=4).map(user).chain([track(10, 1)]))
}

fn kinds(chain: &Sandbox) -> Vec<(String, Vec<i64>)> {
    let notes = chain.rows::<Notification>().into_iter();
    notes.map(|note| (note.r#type, note.user_ids.unwrap_or_default())).collect()
}

fn counters(chain: &Sandbox, user: i64) -> AggregateUser {
    chain.rows::<AggregateUser>().into_iter().find(|row| row.user_id == user).unwrap()
}

#[test]
fn a_follow_that_ends_and_begins_again_in_a_block_counts_once_and_is_told_once() {
    let mut chain = sandbox();
    chain.block(&[
        (2, "Follow", "User", 1, ""),
        (2, "Unfollow", "User", 1, ""),
        (2, "Follow", "User", 1, ""),
    ]);
    assert_eq!(counters(&chain, 1).follower_count, Some(1));
    assert_eq!(counters(&chain, 2).following_count, Some(1));
    assert_eq!(kinds(&chain), [("follow".to_owned(), vec![1])]);
    chain.block(&[(2, "Unfollow", "User", 1, ""), (3, "Unfollow", "User", 1, "")]);
    assert_eq!(counters(&chain, 1).follower_count, Some(0));
}

#[test]
fn nothing_is_derived_where_the_database_does_it() {
    let mut chain = Sandbox::new((1..=2).map(user));
    chain.call((2, "Follow", "User", 1, ""));
    assert_eq!(chain.rows::<CurrentFollow>().len(), 1);
    assert!(chain.rows::<AggregateUser>().is_empty() && chain.rows::<Notification>().is_empty());
}

#[test]
fn a_parent_that_is_no_integer_takes_back_the_notices_of_a_save_and_not_its_counters() {
    let remix = {
        let mut remix = (*downcast::<Track>(&track(11, 1)).unwrap()).clone();
        let of = Json::parse(r#"{"tracks":[{"parent_track_id":10.5}]}"#).unwrap();
        remix.remix_of = Some(std::sync::Arc::new(of));
        crate::store::row_of(remix)
    };
    let mut chain = Sandbox::deriving((1..=4).map(user).chain([track(10, 1), remix]));
    chain.block(&[(2, "Save", "Track", 10, ""), (2, "Save", "Track", 11, "")]);
    assert_eq!(kinds(&chain), [("save".to_owned(), vec![1])]);
    assert_eq!(counters(&chain, 2).track_save_count, Some(2));
    let saved = chain.rows::<AggregateTrack>();
    assert_eq!(saved.iter().map(|row| row.save_count).collect::<Vec<_>>(), [Some(1), Some(1)]);
}

#[test]
fn who_has_no_score_is_counted_and_told_of_to_nobody() {
    let score = |id: i64, score: Value| {
        let columns = [("user_id", Value::Int(id)), ("follower_count", Value::Int(9))];
        row(TableId::AggregateUsers, &[&columns[..], &[("score", score)]].concat())
    };
    let rows = [score(1, Value::Int(0)), score(2, Value::Int(-1)), score(3, Value::Null)];
    let mut chain = Sandbox::deriving((1..=4).map(user).chain(rows));
    chain.block(&[(2, "Follow", "User", 1, ""), (3, "Follow", "User", 1, "")]);
    assert!(kinds(&chain).is_empty() && chain.rows::<Milestone>().is_empty());
    assert_eq!(counters(&chain, 1).follower_count, Some(11));
    assert_eq!(counters(&chain, 3).score, None);
    assert_eq!(counters(&chain, 2).following_count, None, "NULL stays NULL");
}

#[test]
fn an_owner_is_told_of_a_comment_as_it_was_made_in_a_place_as_it_is_at_the_block_s_end() {
    let unmentioning = r#"{"entity_id":10,"body":"b","mentions":[3]}"#;
    let mentioning = r#"{"entity_id":10,"body":"b","mentions":[1]}"#;
    let mut chain = sandbox();
    chain.block(&[(2, "Create", "Comment", 1, mentioning)]);
    assert_eq!(kinds(&chain), [("comment_mention".to_owned(), vec![1])]);
    let mut chain = sandbox();
    chain.block(&[
        (2, "Create", "Comment", 1, mentioning),
        (2, "Update", "Comment", 1, unmentioning),
        (2, "Delete", "Comment", 1, ""),
    ]);
    let told: Vec<_> = kinds(&chain).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(told, ["comment", "comment_mention", "comment_mention"]);
    assert_eq!(chain.rows::<AggregateTrack>()[0].comment_count, Some(0));
}

#[test]
fn a_contest_is_told_to_every_follower_and_saver_once() {
    let mut chain = sandbox();
    chain.block(&[
        (2, "Follow", "User", 1, ""),
        (3, "Follow", "User", 1, ""),
        (3, "Save", "Track", 10, ""),
        (4, "Follow", "User", 1, ""),
        (4, "Unfollow", "User", 1, ""),
    ]);
    let before = chain.rows::<Notification>().len();
    chain.call((1, "Create", "Event", 7, CONTEST));
    let told: Vec<_> = chain
        .rows::<Notification>()
        .into_iter()
        .filter(|note| note.r#type == "fan_remix_contest_started")
        .map(|note| (note.specifier.clone(), note.key().parts().len()))
        .collect();
    assert_eq!(told, [("2".to_owned(), 2), ("3".to_owned(), 2)]);
    assert_eq!(chain.rows::<Notification>().len(), before + 2);
}

fn play(user: &str, track: i64, at: i64) -> Play {
    Play {
        user_id: user.to_owned(),
        track_id: track.to_string(),
        played_at: Timestamp::from_seconds(at),
        signature: String::new(),
        city: String::new(),
        region: String::new(),
        country: "DE".to_owned(),
    }
}

#[test]
fn two_first_plays_of_a_track_in_one_transaction_hide_each_other() {
    let mut chain = sandbox();
    let hour = 1_780_002_000;
    let listen = |chain: &mut Sandbox, plays: Vec<Play>| {
        chain.transactions(vec![TxBody::Plays(plays)]);
    };
    listen(&mut chain, vec![play("2", 10, hour + 5), play("x", 10, hour + 6)]);
    listen(&mut chain, vec![play("2", 11, hour + 7), play("2", 11, hour + 3600)]);
    listen(&mut chain, vec![play("2", 12, hour + 8), play("2", 10, hour + 9)]);
    let tracks = &chain.rows::<DistinctPlayTracks>()[0];
    assert_eq!((tracks.track_count, tracks.updated_at.seconds()), (2, hour + 9));
    let hours = &chain.rows::<DistinctPlayHours>()[0];
    assert_eq!((hours.hours_with_play, hours.updated_at.seconds()), (2, hour + 3600));
    let listens = chain.rows::<AggregatePlays>();
    assert_eq!(
        listens.iter().map(|row| row.count).collect::<Vec<_>>(),
        [Some(3), Some(2), Some(1)]
    );
    assert_eq!(chain.rows::<AggregateMonthlyPlays>().iter().map(|row| row.count).sum::<i64>(), 6);
}
