//! Contests.

use super::{ARTIST, act, both, envelope, send};
use crate::model::tables::Event;

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
