//! The parity runner's comparison: equal sides are equal, and each kind of difference is found.

#[path = "../parity/diff/mod.rs"]
#[expect(dead_code, reason = "the runner uses the rest")]
mod diff;

mod value {
    use super::diff::value::Value;

    fn parsed(text: &str) -> Value {
        Value::parse(text).unwrap()
    }

    #[test]
    fn numbers_compare_by_value_at_any_size() {
        assert_eq!(parsed("100"), parsed("100.0"));
        assert_eq!(parsed("1e2"), parsed("100"));
        assert_eq!(parsed("-0.0"), parsed("0"));
        assert_eq!(parsed("1e+308"), parsed(&format!("1{}", "0".repeat(308))));
        assert_ne!(parsed("18446744073709551616"), parsed("18446744073709551617"));
        assert_ne!(parsed("1"), parsed("-1"));
        assert_eq!(parsed("7000.0").as_int(), Some(7000));
        assert_eq!(parsed("7.5").as_int(), None);
    }

    #[test]
    fn text_with_escapes_and_surrogate_pairs_is_read() {
        assert_eq!(parsed(r#""a\n\u00e9\ud83d\ude00\/""#), Value::from("a\né😀/"));
        assert_eq!(parsed(r#""\ud83dx""#), Value::from("\u{fffd}x"));
    }

    #[test]
    fn what_is_printed_reads_back_equal() {
        let value = parsed(r#"{"b":[1,2.50,null,true],"a":{"x":"q\"\\\u0001"}}"#);
        assert_eq!(parsed(&value.to_string()), value);
    }

    #[test]
    fn nesting_of_hundreds_of_levels_is_read() {
        let text = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        assert_eq!(parsed(&text).to_string(), text);
    }

    #[test]
    fn broken_documents_are_refused() {
        for text in ["", "{", "[1", "[1 2]", "{\"a\" 1}", "{1:2}", "\"x", "nul", "1 2", "\"\\x\""] {
            assert!(Value::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bool_is_not_a_number_and_json_null_is_not_sql_null() {
        assert!(!parsed("true").matches(&parsed("1")));
        assert!(!Value::JsonNull.matches(&Value::Null));
        assert!(Value::Any.matches(&Value::Null));
    }
}

mod normalise {
    use std::collections::{BTreeMap, BTreeSet};

    use super::diff::normalise::{
        BlockMap, Marks, drop_notifications, leave_out_blocks, mark, settle,
    };
    use super::diff::value::Value;
    use super::diff::{Row, Tables};

    fn tables(text: &str) -> Tables {
        let Value::Object(members) = Value::parse(text).unwrap() else { panic!("no object") };
        let row = |value: &Value| match value {
            Value::Object(row) => row.clone(),
            other => panic!("no row: {other}"),
        };
        members
            .iter()
            .map(|(table, rows)| (table.clone(), rows.items().iter().map(row).collect()))
            .collect()
    }

    #[test]
    fn block_numbers_and_hashes_are_mapped_wherever_they_stand() {
        let map = BlockMap {
            numbers: BTreeMap::from([(4, 0)]),
            hashes: BTreeMap::from([("fed".to_owned(), "0x0".to_owned())]),
        };
        let mut ours = tables(
            r#"{"users":[{"user_id":4,"blocknumber":4,"blockhash":"fed"}],
                "blocks":[{"number":4,"blockhash":"fed","parenthash":"old"}],
                "notification":[{"group_id":"announcement:blocknumber:4","specifier":"4"}],
                "revert_blocks":[{"blocknumber":4,"prev_records":{"users":[{"user_id":4,"blocknumber":4,"blockhash":"fed"}]}}]}"#,
        );
        map.apply(&mut ours);
        assert_eq!(
            ours,
            tables(
                r#"{"users":[{"user_id":4,"blocknumber":0,"blockhash":"0x0"}],
                    "blocks":[{"number":0,"blockhash":"0x0","parenthash":"old"}],
                    "notification":[{"group_id":"announcement:blocknumber:0","specifier":"4"}],
                    "revert_blocks":[{"blocknumber":0,"prev_records":{"users":[{"user_id":4,"blocknumber":0,"blockhash":"0x0"}]}}]}"#
            )
        );
    }

    #[test]
    fn marks_touch_only_the_rows_and_columns_they_name() {
        let mut rows =
            tables(r#"{"tracks":[{"id":1,"a":null,"b":null},{"id":2,"a":null,"b":null}]}"#);
        let marks = [Marks {
            table: "tracks".to_owned(),
            key: Row::from([("id".to_owned(), Value::from(2))]),
            columns: vec!["b".to_owned()],
        }];
        mark(&mut rows, &marks, &Value::JsonNull);
        assert_eq!(rows["tracks"][0]["b"], Value::Null);
        assert_eq!(rows["tracks"][1]["a"], Value::Null);
        assert_eq!(rows["tracks"][1]["b"], Value::JsonNull);
    }

    #[test]
    fn settling_drops_serial_ids_and_the_order_of_receivers_and_previous_rows() {
        let mut left = tables(
            r#"{"notification":[{"id":1,"user_ids":[3,1,2]}],
                "revert_blocks":[{"prev_records":{"collectibles":[{"user_id":2,"created_at":"x"},{"user_id":1,"created_at":"y"}]}}]}"#,
        );
        let mut right = tables(
            r#"{"notification":[{"id":9,"user_ids":[1,2,3]}],
                "revert_blocks":[{"prev_records":{"collectibles":[{"user_id":1,"created_at":"z"},{"user_id":2,"created_at":"z"}]}}]}"#,
        );
        settle(&mut left);
        settle(&mut right);
        assert_eq!(left, right);
    }

    #[test]
    fn blocks_left_out_are_bridged() {
        let mut reference = tables(
            r#"{"blocks":[{"number":3,"blockhash":"c","parenthash":"b","is_current":false},
                          {"number":1,"blockhash":"a","parenthash":null,"is_current":false},
                          {"number":2,"blockhash":"b","parenthash":"a","is_current":false},
                          {"number":4,"blockhash":"d","parenthash":"c","is_current":true}]}"#,
        );
        leave_out_blocks(&mut reference, &BTreeSet::from(["b".to_owned(), "d".to_owned()]));
        assert_eq!(
            reference,
            tables(
                r#"{"blocks":[{"number":1,"blockhash":"a","parenthash":null,"is_current":false},
                              {"number":3,"blockhash":"c","parenthash":"a","is_current":true}]}"#
            )
        );
    }

    #[test]
    fn notifications_are_dropped_by_type() {
        let mut rows = tables(r#"{"notification":[{"type":"save"},{"type":"comment"}]}"#);
        drop_notifications(&mut rows, &["save"]);
        assert_eq!(rows, tables(r#"{"notification":[{"type":"comment"}]}"#));
    }
}

mod compare {
    use super::diff::compare::compare;
    use super::diff::rules::natural_key;
    use super::diff::value::Value;
    use super::diff::{Row, Tables};

    fn table(name: &str, rows: &str) -> Tables {
        let Value::List(items) = Value::parse(rows).unwrap() else { panic!("no list") };
        let row = |item| match item {
            Value::Object(row) => row,
            other => panic!("no row: {other}"),
        };
        Tables::from([(name.to_owned(), items.into_iter().map(row).collect())])
    }

    fn kinds(recorded: &str, ours: &str) -> Vec<String> {
        compare(&table("saves", recorded), &table("saves", ours), natural_key)
            .iter()
            .flat_map(|diff| diff.differences.iter().map(ToString::to_string))
            .collect()
    }

    const ROW: &str = r#"{"user_id":1,"save_type":"track","save_item_id":2,"txhash":"a"}"#;

    #[test]
    fn equal_tables_have_no_difference_whatever_their_order() {
        let other = ROW.replace(":1,", ":7,");
        let diffs = compare(
            &table("saves", &format!("[{ROW},{other}]")),
            &table("saves", &format!("[{other},{ROW}]")),
            natural_key,
        );
        assert_eq!((diffs[0].matched, diffs[0].differences.len()), (2, 0));
    }

    #[test]
    fn a_missing_an_extra_and_a_changed_row_are_found() {
        assert!(kinds(&format!("[{ROW}]"), "[]")[0].starts_with("missing user_id=1"));
        assert!(kinds("[]", &format!("[{ROW}]"))[0].starts_with("extra   user_id=1"));
        let changed = kinds(&format!("[{ROW}]"), &format!("[{}]", ROW.replace("\"a\"", "null")));
        assert_eq!(
            changed,
            [
                "differs user_id=1 save_type=\"track\" save_item_id=2\n    txhash: recorded \"a\"  ours null"
            ]
        );
    }

    #[test]
    fn a_doubled_row_is_found() {
        assert!(kinds(&format!("[{ROW}]"), &format!("[{ROW},{ROW}]"))[0].starts_with("extra"));
    }

    #[test]
    fn rows_of_one_key_pair_with_their_equals_first() {
        let rows = |order: [&str; 3]| {
            let rows = order.map(|hash| ROW.replace("\"a\"", &format!("\"{hash}\"")));
            format!("[{}]", rows.join(","))
        };
        let found = kinds(&rows(["x", "y", "z"]), &rows(["z", "w", "x"]));
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("txhash: recorded \"y\"  ours \"w\""), "{}", found[0]);
    }

    #[test]
    fn sql_null_json_null_and_types_are_told_apart() {
        let with = |value: Value| {
            let row =
                Row::from([("comment_id".to_owned(), Value::from(1)), ("x".to_owned(), value)]);
            Tables::from([("comments".to_owned(), vec![row])])
        };
        let differ = |left: Value, right: Value| {
            compare(&with(left), &with(right), natural_key)
                .iter()
                .any(|diff| !diff.differences.is_empty())
        };
        assert!(differ(Value::Null, Value::JsonNull));
        assert!(differ(Value::from("1"), Value::from(1)));
        assert!(differ(Value::Bool(true), Value::from(1)));
        assert!(!differ(Value::Any, Value::from(1)));
        assert!(!differ(Value::parse("[100]").unwrap(), Value::parse("[100.0]").unwrap()));
    }

    #[test]
    fn a_column_we_lack_differs_only_where_it_was_filled() {
        let bare = r#"[{"user_id":1,"save_type":"track","save_item_id":2}]"#;
        assert!(kinds(&format!("[{ROW}]"), bare)[0].ends_with("ours <no such column>"));
        assert!(kinds(&format!("[{}]", ROW.replace("\"a\"", "null")), bare).is_empty());
        assert!(kinds(bare, &format!("[{ROW}]")).is_empty());
    }

    #[test]
    fn tables_without_a_known_key_compare_whole_rows() {
        let diffs = compare(
            &table("odd", r#"[{"a":1},{"a":2}]"#),
            &table("odd", r#"[{"a":2},{"a":3}]"#),
            natural_key,
        );
        assert_eq!((diffs[0].matched, diffs[0].differences.len()), (1, 2));
    }

    #[test]
    fn of_a_differing_document_only_the_differing_parts_are_printed() {
        let with = |prev: &str| {
            format!(r#"[{{"user_id":1,"save_type":"t","save_item_id":2,"x":{prev}}}]"#)
        };
        let found = kinds(
            &with(r#"{"users":[{"bio":"a","name":"n"}],"tracks":[]}"#),
            &with(r#"{"users":[{"bio":"b","name":"n"}]}"#),
        );
        let parts: Vec<&str> = found[0].lines().skip(1).map(str::trim).collect();
        assert_eq!(
            parts,
            ["x.tracks: recorded []  ours nothing", "x.users[0].bio: recorded \"a\"  ours \"b\""]
        );
    }

    #[test]
    fn long_values_are_cut_in_print() {
        let long = ROW.replace("\"a\"", &format!("\"{}\"", "é".repeat(1000)));
        assert!(kinds(&format!("[{long}]"), "[]")[0].len() < 1000);
    }
}
