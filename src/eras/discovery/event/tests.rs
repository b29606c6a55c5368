//! Tests of when contests may start, end and have winners.

use crate::{
    eras::discovery::sandbox::{Sandbox, code, row, track, user},
    model::{
        Json, Timestamp,
        table::Row,
        tables::{Event, Notification, TableId},
        value::Value,
    },
};

/// Users 1 to 4; user 1 owns track 10.
fn sandbox() -> Sandbox {
    Sandbox::new([user(1), user(2), user(3), user(4), track(10, 1)])
}

fn contest(end: &str, more: &str) -> String {
    format!(
        r#"{{"cid":"","data":{{"event_type":"remix_contest","entity_type":"track","entity_id":10,"end_date":{end}{more}}}}}"#
    )
}

fn data(data: &str) -> String {
    format!(r#"{{"cid":"","data":{{{data}}}}}"#)
}

const LATE: &str = r#""2035-01-01T10:00:00+02:00""#;

#[test]
fn a_second_contest_waits_for_the_end_of_the_first() {
    let mut chain = sandbox();
    let late = contest(LATE, "");
    let twins = chain.block(&[(1, "Create", "Event", 1, &late), (1, "Create", "Event", 2, &late)]);
    assert_eq!([code(&twins[0]), code(&twins[1])], ["applied", "applied"]);
    assert_eq!(code(&chain.call((1, "Create", "Event", 3, &late))), "contest_running");
    for id in [1, 2] {
        chain.call((1, "Delete", "Event", id, ""));
    }
    assert_eq!(code(&chain.call((1, "Create", "Event", 3, &contest("null", "")))), "applied");
    assert_eq!(code(&chain.call((1, "Create", "Event", 4, &late))), "applied");
}

#[test]
fn an_end_date_is_stored_without_its_offset() {
    let mut chain = sandbox();
    chain.call((1, "Create", "Event", 1, &contest(LATE, "")));
    let event = &chain.rows::<Event>()[0];
    assert_eq!(event.end_date.unwrap().to_string(), "2035-01-01T10:00:00Z");
    assert!(event.event_data.as_deref().unwrap().is_null());
}

#[test]
fn malformed_events_are_refused() {
    let mut chain = sandbox();
    for (user, metadata, reason) in [
        (1, contest(r#""soon""#, ""), "end_date_malformed"),
        (1, contest("5", ""), "end_date_not_text"),
        (1, contest(r#""2020-01-01""#, ""), "end_date_past"),
        (1, contest(r#""2035-01-01T10""#, ""), "timestamp_text"),
        (1, contest(r#""""#, ""), "timestamp_text"),
        (2, contest(LATE, ""), "track_of_other"),
        (1, contest(LATE, r#","entity_type":"user""#), "entity_type_not_track"),
        (1, contest(LATE, r#","entity_type":null"#), "contest_without_track"),
        (1, contest(LATE, r#","entity_id":null"#), "track_not_found"),
        (1, contest(LATE, r#","event_type":"nope""#), "refused_by_schema"),
        (1, contest(LATE, r#","event_type":null"#), "event_type_null"),
        (1, String::new(), "metadata_empty"),
    ] {
        assert_eq!(
            code(&chain.call((user, "Create", "Event", 1, &metadata))),
            reason,
            "{metadata}"
        );
    }
}

#[test]
fn an_update_replaces_what_it_sends() {
    let mut chain = sandbox();
    chain.call((1, "Create", "Event", 1, &contest(LATE, r#","event_data":{"a":1}"#)));
    let update = |chain: &mut Sandbox, user, sent: &str| {
        code(&chain.call((user, "Update", "Event", 1, &data(sent))))
    };
    assert_eq!(update(&mut chain, 2, ""), "event_of_other");
    assert_eq!(update(&mut chain, 1, r#""end_date":"2034-01-01""#), "end_date_earlier");
    assert_eq!(update(&mut chain, 1, r#""event_data":null"#), "applied");
    assert_eq!(update(&mut chain, 1, r#""end_date":null"#), "applied");
    let event = &chain.rows::<Event>()[0];
    assert_eq!((event.end_date, event.txhash.as_str()), (None, "5/0"));
    assert!(event.event_data.as_deref().unwrap().is_null());
}

#[test]
fn an_event_of_the_same_block_takes_new_data_but_no_new_end() {
    let mut chain = sandbox();
    let outcomes = chain.block(&[
        (1, "Create", "Event", 1, &contest(LATE, "")),
        (1, "Update", "Event", 1, &data(r#""event_data":{"a":1}"#)),
        (1, "Update", "Event", 1, &data(r#""end_date":"2036-01-01""#)),
        (1, "Update", "Event", 9, &data("")),
    ]);
    let codes: Vec<_> = outcomes.iter().map(code).collect();
    assert_eq!(codes, ["applied", "applied", "end_date_pending", "event_not_found"]);
    assert_eq!(chain.rows::<Event>()[0].txhash, "1/1");
}

/// A track of `owner` that remixes what `remix_of` says, a day after the start.
fn remix(id: i64, owner: i64, remix_of: &str) -> Row {
    let time = Value::Time(Timestamp::from_seconds(1_700_086_400));
    row(
        TableId::Tracks,
        &[
            ("track_id", Value::Int(id)),
            ("owner_id", Value::Int(owner)),
            ("is_current", Value::Bool(true)),
            ("is_delete", Value::Bool(false)),
            ("created_at", time.clone()),
            ("updated_at", time),
            ("txhash", Value::Text(String::new())),
            ("remix_of", Value::Json(Json::parse_stored(remix_of).unwrap().into())),
        ],
    )
}

#[test]
fn every_remixer_hears_of_the_first_winners() {
    let mut chain = Sandbox::new([
        user(1),
        track(10, 1),
        remix(20, 2, r#"{"tracks":[{"parent_track_id":10}]}"#),
        remix(21, 2, r#"{"tracks":[{"parent_track_id":10}]}"#),
        remix(22, 3, r#"{"tracks":[{"parent_track_id":5},{"parent_track_id":10}]}"#),
        remix(23, 4, r#"{"tracks":[{"parent_track_id":10.0}]}"#),
        remix(24, 5, r#"{"tracks":[{"parent_track_id":11}]}"#),
        remix(25, 1, r#"{"tracks":[{"parent_track_id":10}]}"#),
    ]);
    chain.call((1, "Create", "Event", 1, &contest(LATE, r#","event_data":{"winners":[]}"#)));
    let select = data(r#""event_data":{"winners":[20]}"#);
    assert_eq!(code(&chain.call((1, "Update", "Event", 1, &select))), "applied");
    let told = chain.rows::<Notification>();
    let users: Vec<_> = told.iter().flat_map(|row| row.user_ids.clone().unwrap()).collect();
    assert_eq!(users, [2, 3, 4]);
    assert!(told.iter().all(|row| row.blocknumber.is_none() && row.specifier == "1"));
}

#[test]
fn winners_that_are_no_list_fail_before_or_after_the_change() {
    let mut chain = sandbox();
    chain.call((1, "Create", "Event", 1, &contest(LATE, r#","event_data":{}"#)));
    let mut update = |sent: &str| {
        let metadata = data(&format!(r#""event_data":{{"winners":{sent}}}"#));
        let outcome = code(&chain.call((1, "Update", "Event", 1, &metadata)));
        (outcome, chain.rows::<Event>()[0].event_data.clone().unwrap().to_json_text())
    };
    assert_eq!(update("5"), ("winners_without_length", "{}".into()));
    assert_eq!(update(r#"["abc"]"#), ("query_text_for_integer", "{}".into()));
    assert_eq!(update("[99]"), ("applied", r#"{"winners":[99]}"#.into()));
    assert_eq!(update("null"), ("winners_not_iterable", r#"{"winners":null}"#.into()));
    assert_eq!(update("[1]"), ("winners_without_length", r#"{"winners":null}"#.into()));
}

#[test]
fn an_event_may_lack_an_end_and_lose_it_and_be_deleted_again() {
    let mut chain = sandbox();
    assert_eq!(code(&chain.call((1, "Create", "Event", 1, &contest("null", "")))), "applied");
    assert_eq!(code(&chain.call((1, "Create", "Event", 2, &contest(LATE, "")))), "applied");
    let endless = data(r#""end_date":null"#);
    assert_eq!(code(&chain.call((1, "Update", "Event", 2, &endless))), "applied");
    assert!(chain.rows::<Event>().iter().all(|event| event.end_date.is_none()));
    for _ in 0..2 {
        assert_eq!(code(&chain.call((1, "Delete", "Event", 1, ""))), "applied");
    }
}

#[test]
fn a_call_that_fails_is_recorded_as_skipped() {
    let mut chain = sandbox();
    let unknown = chain.tx_of((1, "Update", "Event", 9, &data(r#""end_date":null"#)));
    let refused = chain.tx_of((2, "Create", "Event", 1, &contest(LATE, "")));
    let provenance = chain.transactions(vec![unknown, refused]).provenance;
    assert_eq!(provenance.skipped, ["0/0"]);
}
