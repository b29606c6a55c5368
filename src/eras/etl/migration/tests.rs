//! Calls of a genesis: what they write without the checks of live traffic, and when.

use crate::{
    eras::etl::{
        migration::call,
        sandbox::{START, Sandbox},
    },
    model::EntityTx,
};

fn tx(metadata: &str) -> EntityTx {
    Sandbox::new([]).tx(0, (1, "Create", "User", 1, metadata))
}

/// What columns hold, and the point in time.
fn times(metadata: &str) -> (String, String) {
    let tx = tx(metadata);
    let call = call(&tx, START);
    (call.now.to_string(), call.instant.to_string())
}

#[test]
fn a_call_takes_the_time_that_it_carries() {
    for (metadata, expected) in [
        (r#"{"created_at":"2020-01-02T03:04:05Z"}"#, "2020-01-02T03:04:05Z"),
        (r#"{"created_at":"2020-01-02T03:04:05.1234569Z"}"#, "2020-01-02T03:04:05.123456Z"),
        (r#"{"created_at":"2020-01-02 03:04:05.5"}"#, "2020-01-02T03:04:05.500000Z"),
        (
            r#"{"created_at":"2020-01-01 00:00:00","data":{"created_at":"2021-01-01 00:00:00"}}"#,
            "2021-01-01T00:00:00Z",
        ),
        (
            r#"{"created_at":"2020-01-01 00:00:00","data":{"created_at":"soon"}}"#,
            "2020-01-01T00:00:00Z",
        ),
        (r#"{"created_at":"2020-01-01 00:00:00","data":{}}"#, "2020-01-01T00:00:00Z"),
    ] {
        assert_eq!(times(metadata), (expected.to_owned(), expected.to_owned()), "{metadata}");
    }
}

#[test]
fn a_call_without_a_time_that_can_be_read_takes_that_of_its_block() {
    for metadata in [
        "",
        "null",
        "[]",
        r#"{"created_at":1577934245}"#,
        r#"{"created_at":null}"#,
        r#"{"created_at":"2020-01-02"}"#,
        r#"{"created_at":"2020-01-02T03:04:05"}"#,
        r#"{"created_at":"2020-01-02 03:04:05Z"}"#,
        r#"{"created_at":"2020-01-02T03:04:05Z"} more"#,
    ] {
        assert_eq!(times(metadata).0, START.to_string(), "{metadata}");
    }
}

#[test]
fn columns_hold_the_clock_of_a_time_with_an_offset() {
    let (now, instant) = times(r#"{"created_at":"2020-01-02T03:04:05+02:00"}"#);
    assert_eq!(now, "2020-01-02T03:04:05Z");
    assert_eq!(instant, "2020-01-02T01:04:05Z");
}
