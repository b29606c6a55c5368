//! What each field of [`Rules`] changes: the same calls with the field as Python has it, and as Go
//! has it. Everything else stays Python's.

mod comments;
mod content;
mod events;
mod social;
mod users;

use crate::{
    eras::discovery::{
        Rules,
        sandbox::{Sandbox, artist, code, row, track},
    },
    model::{
        Timestamp,
        table::Row,
        tables::{Notification, TableId, Track, TrackRoute},
        value::Value,
    },
};

const ARTIST: i64 = 3_000_001;
const FAN: i64 = 3_000_002;
const SONG: i64 = 2_000_001;
const OTHER_SONG: i64 = 2_000_002;

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

/// A row from long ago.
fn stored<const N: usize>(table: TableId, columns: [(&'static str, Value); N]) -> Row {
    let common = [
        ("created_at", Value::Time(Timestamp::default())),
        ("updated_at", Value::Time(Timestamp::default())),
        ("txhash", Value::Text(String::new())),
    ];
    let columns: Vec<_> = columns.into_iter().chain(common).collect();
    row(table, &columns)
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

#[test]
fn the_presets_differ_in_every_field() {
    let (python, go) = (format!("{:?}", Rules::python()), format!("{:?}", Rules::go()));
    assert!(!python.contains("false") && !go.contains("true"));
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
            chain.transactions(vec![tx]).provenance.skipped.len()
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

/// Metadata of a new song by the artist.
fn new_song(more: &str) -> String {
    format!(r#"{{"title":"Song","owner_id":{ARTIST}{more}}}"#)
}
