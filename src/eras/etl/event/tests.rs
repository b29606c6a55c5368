//! Tests of who may open, change and close an event, and when.

use crate::{
    eras::etl::sandbox::{Sandbox, code, track, user},
    model::tables::Event,
};

const END: &str = "2035-01-01T10:00:00+02:00";

/// Users 1 and 2; user 1 owns tracks 10 and 11.
fn sandbox() -> Sandbox {
    Sandbox::new([user(1), user(2), track(10, 1), track(11, 1)])
}

fn contest(end: &str, more: &str) -> String {
    format!(
        r#"{{"data":{{"event_type":"remix_contest","entity_type":"track","entity_id":10,"end_date":"{end}"{more}}}}}"#
    )
}

#[test]
fn a_contest_waits_for_the_one_that_runs_even_in_the_same_block() {
    let mut chain = sandbox();
    let call = contest(END, "");
    let outcomes = chain.block(&[
        (1, "Create", "Event", 1, &call),
        (1, "Create", "Event", 2, &call),
        (1, "Delete", "Event", 1, ""),
        (1, "Create", "Event", 2, &call),
        (1, "Create", "Event", 1, &call.replace(":10", ":11")),
    ]);
    let codes: Vec<_> = outcomes.iter().map(code).collect();
    assert_eq!(codes, ["applied", "contest_running", "applied", "applied", "duplicate_key"]);
}

#[test]
fn an_end_is_compared_with_its_offset_and_stored_without() {
    let mut chain = sandbox();
    assert_eq!(code(&chain.call((1, "Create", "Event", 1, &contest(END, "")))), "applied");
    let event = &chain.rows::<Event>()[0];
    assert_eq!(event.end_date.unwrap().to_string(), "2035-01-01T10:00:00Z");
    assert!(event.event_data.is_none());
    let update = |chain: &mut Sandbox, end: &str| {
        let metadata = format!(r#"{{"end_date":"{end}"}}"#);
        code(&chain.call((1, "Update", "Event", 1, &metadata)))
    };
    assert_eq!(update(&mut chain, "2035-01-01T10:00:00+00:01"), "end_date_earlier");
    assert_eq!(update(&mut chain, "2035-01-01T10:00:00,5Z"), "end_date_form");
    assert_eq!(update(&mut chain, "2035-01-01T10:00:00-23:59"), "end_date_offset");
    assert_eq!(update(&mut chain, "2035-01-01T10:00:00Z"), "applied");
}

#[test]
fn events_that_are_malformed_or_about_others_are_refused() {
    let mut chain = sandbox();
    for (user, metadata, reason) in [
        (1, contest("2035-01-01", ""), "end_date_malformed"),
        (1, contest("", ""), "end_date_missing"),
        (1, contest("2001-01-01T00:00:00Z", ""), "end_date_past"),
        (2, contest(END, ""), "track_of_other"),
        (1, contest(END, r#","entity_id":99"#), "track_not_found"),
        (1, contest(END, r#","entity_id":"10""#), "contest_without_entity"),
        (1, contest(END, r#","entity_type":null"#), "contest_without_entity"),
        (1, contest(END, r#","event_type":5"#), "event_type_missing"),
        (1, contest(END, r#","event_type":"party""#), "refused_by_schema"),
        (1, contest(END, r#","event_type":"live_event","entity_type":"""#), "refused_by_schema"),
        (1, contest(END, r#","entity_id":3e9"#), "integer_out_of_range"),
        (1, String::new(), "event_type_missing"),
    ] {
        assert_eq!(
            code(&chain.call((user, "Create", "Event", 1, &metadata))),
            reason,
            "{metadata}"
        );
    }
    assert!(chain.rows::<Event>().is_empty());
}

#[test]
fn an_update_replaces_what_it_sends_and_touches_the_row_anyway() {
    let mut chain = sandbox();
    chain.call((1, "Create", "Event", 1, &contest(END, r#","event_data":{"a":1.0}"#)));
    assert_eq!(code(&chain.call((2, "Update", "Event", 1, ""))), "event_of_other");
    assert_eq!(code(&chain.call((1, "Update", "Event", 1, ""))), "applied");
    let event = &chain.rows::<Event>()[0];
    assert_eq!(event.event_data.as_ref().unwrap().to_json_text(), r#"{"a":1}"#);
    assert_eq!((event.txhash.as_str(), event.blockhash.as_str()), ("3/0", "block 1"));
    chain.call((1, "Update", "Event", 1, r#"{"event_data":null,"end_date":null}"#));
    let event = &chain.rows::<Event>()[0];
    assert!(event.event_data.as_ref().unwrap().is_null() && event.end_date.is_some());
    chain.call((1, "Delete", "Event", 1, ""));
    assert_eq!(code(&chain.call((1, "Update", "Event", 1, ""))), "event_not_found");
}
