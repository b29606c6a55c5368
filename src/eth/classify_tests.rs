//! One example per row of the table, and the traps between rows.

use super::*;

const fn blocks(blocks: u64) -> Class {
    Class::Structural { blocks }
}

const fn range(from: u64, to: u64) -> Class {
    Class::Suggested { from, to }
}

/// Row, HTTP status, code, text, class. Every row of [`ROWS`] appears.
const EXAMPLES: &[(u8, u16, i64, &str, Class)] = &[
    (
        1,
        400,
        -32602,
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the response size, or you can request any block range with a cap of 10K logs in the response. Based on your parameters and the response size limit, this block range should work: [0x64, 0xc8]",
        range(100, 200),
    ),
    (1, 200, -32602, "this block range should work: [0xc8, 0x64]", range(100, 200)),
    (
        2,
        200,
        -32600,
        "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range.",
        blocks(10),
    ),
    (
        2,
        200,
        -32600,
        "You can make eth_getLogs requests with up to a 2K block range",
        blocks(2_000),
    ),
    (3, 200, -32602, "Log response size exceeded.", Class::Density),
    (
        4,
        200,
        -32005,
        "query returned more than 10000 results. Try with this block range [0x10, 0x1f].",
        range(16, 31),
    ),
    (5, 200, -32602, "eth_getLogs range 60000 exceeds limit of 10000", blocks(10_000)),
    (6, 200, -32005, "query returned more than 10000 results", Class::Density),
    (
        7,
        200,
        -32602,
        "query exceeds max results 20000, retry with the range 1000-1500",
        range(1000, 1500),
    ),
    (7, 200, -32602, "query exceeds max results 20000", Class::Density),
    (8, 200, -32602, "query exceeds max block range 100,000", blocks(100_000)),
    (
        9,
        200,
        -32602,
        "invalid params {\"payload\":\"range 50001 is bigger than range limit 50000\"}",
        blocks(50_000),
    ),
    (10, 413, -32614, "eth_getLogs is limited to a 10,000 range", blocks(10_000)),
    (10, 413, -32614, "eth_getLogs is limited to a 1000 blocks range", blocks(1_000)),
    (11, 200, -32000, "eth_getLogs is limited to 1024 blocks", blocks(1_024)),
    (11, 200, -32000, "eth_getLogs is limited to 5,000 block range", blocks(5_000)),
    (12, 200, -32000, "eth_getLogs is limited to 0 - 50000 blocks range", blocks(50_000)),
    (13, 200, -32603, "block range is too wide (maximum 1024)", blocks(1_024)),
    (14, 200, -32600, "block range is too wide", blocks(3_000)),
    (15, 200, -32602, "maximum [from, to] blocks distance: 2000", blocks(2_000)),
    (16, 400, 35, "ranges over 10000 blocks are not supported on free tier", blocks(10_000)),
    (16, 400, 35, "ranges over 10000 blocks are not supported on freetier", blocks(10_000)),
    (
        17,
        200,
        -32047,
        "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800",
        blocks(800),
    ),
    (18, 200, -32602, "maximum allowed number of requested blocks is 1000", blocks(1_000)),
    (19, 200, -32701, "exceed maximum block range: 50000", blocks(50_000)),
    (19, 200, -32701, "maximum block range: 10,000", blocks(10_000)),
    (20, 200, -32602, "please limit the query to at most 1,000 blocks", blocks(1_000)),
    (
        21,
        200,
        -32602,
        "block range too large (5000), maximum allowed is 2000 blocks",
        blocks(2_000),
    ),
    (22, 200, -32602, "block range too large", blocks(2_000)),
    (23, 200, -32602, "Block range is too large", Class::Density),
    (24, 200, -32602, "exceeds the range allowed for your plan (20000 > 5000).", blocks(5_000)),
    (25, 200, -32002, "Block range limit exceeded. See more details at docs", blocks(10_000)),
    (
        26,
        200,
        -32000,
        "requested too many blocks from 1 to 9000, maximum is set to 2048",
        blocks(2_048),
    ),
    (27, 200, -32602, "eth_getLogs range is too large, max is 10k blocks", blocks(10_000)),
    (28, 200, -32000, "query must be smaller than size 1024", blocks(1_024)),
    (29, 200, -32602, "block range greater than 1000 max", blocks(1_000)),
    (29, 200, -32602, "block range exceeds 1000", blocks(1_000)),
    (29, 200, -32602, "range must not exceed 500 blocks", blocks(500)),
    (30, 200, -32000, "logs matched by query exceeds limit of 10000", Class::Density),
    (31, 200, -32000, "more than 50000 logs", Class::Density),
    (31, 200, -32000, "20001 logs returned, the limit is lower", Class::Density),
    (31, 200, -32000, "too many logs", Class::Density),
    (32, 200, -32000, "response size should not greater than 10000000 bytes", Class::Density),
    (32, 200, -32020, "backend response too large", Class::Density),
    (32, 200, -32008, "Response is too big", Class::Density),
    (33, 503, -32011, "no backend is currently healthy to serve traffic", Class::DensityOnce),
    (34, 200, 0, "error decoding response body", Class::Density),
    (34, 200, -32000, "Query took longer than 10 s", Class::Density),
    (35, 200, -32005, "limit exceeded", Class::HalveAndWait),
    (36, 200, -32000, "please specify less number of addresses", Class::TooLarge),
    (37, 429, 0, "", Class::Rate),
    (37, 200, -32000, "Too Many Requests", Class::Rate),
    (37, 200, -32016, "rate limited", Class::Rate),
    (37, 200, -32005, "project ID request rate limit exceeded", Class::Rate),
    (37, 200, -32000, "you have exceeded the quota usage", Class::Rate),
    (37, 200, -32000, "the node is under too much load", Class::Rate),
    (37, 429, -32007, "50/second requests limited to 25", Class::Rate),
    (38, 429, 429, "Monthly capacity limit exceeded.", Class::Billing),
    (38, 429, -32001, "You've reached the free tier limit", Class::Billing),
    (39, 200, -32000, "missing trie node abc (path )", Class::Missing),
    (39, 200, -32000, "header not found", Class::Missing),
    (39, 200, -32000, "Block with such hash not found: block not found", Class::Missing),
    (39, 200, -32000, "height is not available", Class::Missing),
    (39, 200, -32000, "state has been pruned", Class::Missing),
    (39, 200, -32000, "unknown block", Class::Missing),
    (
        39,
        200,
        -32602,
        "BlockOutOfRangeError: block height is 4 but requested was 9",
        Class::Missing,
    ),
    (40, 401, 0, "", Class::Denied),
    (40, 403, 0, "nope", Class::Denied),
    (40, 200, -32000, "Unauthorized: You must authenticate your request", Class::Denied),
    (40, 200, -32000, "this origin is not allowed to access the resource", Class::Denied),
    (41, 200, -32601, "the method eth_foo does not exist/is not available", Class::Unsupported),
    (41, 200, -32000, "method not whitelisted", Class::Unsupported),
    (41, 200, -32004, "", Class::Unsupported),
    (50, 200, -32603, "EVM error OutOfGas", Class::TooMuchGas),
    (50, 200, -32000, "out of gas: gas required exceeds: 50000000", Class::TooMuchGas),
    (50, 200, -32000, "intrinsic gas too high -- GasFloorMoreThanGasLimit", Class::TooMuchGas),
    (51, 413, 0, "length limit exceeded", Class::TooLarge),
    (51, 413, 0, "", Class::TooLarge),
    (51, 200, -32600, "request body too large", Class::TooLarge),
    (52, 200, 3, "execution reverted: broken", Class::Reverted),
    (53, 200, -32000, "execution aborted (request timed out)", Class::Timeout),
    (53, 504, 0, "", Class::Timeout),
    (
        54,
        200,
        -32602,
        "invalid argument 1: json: cannot unmarshal object into Go value of type string",
        Class::ByNumber,
    ),
    (39, 200, -32602, "block range extends beyond current head block", Class::Missing),
    (
        39,
        200,
        -32000,
        "seek with txNum=1962853355 but data before txNum=2662500000 is not available",
        Class::Missing,
    ),
    (39, 200, 4444, "pruned history unavailable", Class::Missing),
    (39, 200, -32002, "No state available for block 0xab", Class::Missing),
    (
        50,
        200,
        -32003,
        "transaction gas limit (50000000) is greater than the cap (16777216)",
        Class::TooMuchGas,
    ),
];

#[test]
fn every_wording_has_its_class() {
    for &(row, status, code, text, wanted) in EXAMPLES {
        let code = Some(code).filter(|&code| code != 0);
        let class = classify(Some(status), code, text, Some(1_000_000));
        assert_eq!(class, wanted, "row {row}: {text}");
    }
}

#[test]
fn every_row_of_the_table_has_an_example() {
    for (row, pattern, _) in ROWS {
        let regex = Regex::new(&format!("(?i){pattern}")).unwrap();
        let shown = EXAMPLES.iter().any(|(of, _, _, text, _)| of == row && regex.is_match(text));
        assert!(shown, "row {row}: {pattern}");
    }
}

#[test]
fn requests_limited_to_is_a_rate_and_limited_to_blocks_a_range() {
    let class = |text| classify(Some(200), Some(-32000), text, None);
    assert_eq!(class("requests limited to 15 per second"), Class::Rate);
    assert_eq!(class("eth_getLogs limited to 15 blocks"), blocks(15));
}

#[test]
fn a_limit_that_failed_already_gives_way_to_the_next_or_to_halving() {
    let class = |text, span| classify(Some(200), None, text, Some(span));
    assert_eq!(class("block range limit exceeded", 10_000), blocks(100));
    assert_eq!(class("block range limit exceeded", 100), Class::Density);
    assert_eq!(class("block range too large", 2_000), Class::Density);
}

#[test]
fn numbers_are_read_as_providers_write_them() {
    for (text, wanted) in [
        ("10", 10),
        ("10,000", 10_000),
        ("10.000", 10_000),
        ("1_000_000", 1_000_000),
        ("2K", 2_000),
        ("2.5k", 2_500),
        ("500.", 500),
        ("10 k", 10_000),
    ] {
        assert_eq!(read_number(text), Some(wanted), "{text}");
    }
    assert_eq!(read_number("99999999999999999999"), None);
}

#[test]
fn a_number_that_makes_no_sense_leaves_the_row_out() {
    assert_eq!(classify(Some(200), None, "max range: 0", None), Class::Unknown);
    assert_eq!(classify(Some(200), None, "max range: 99999999999999999999", None), Class::Unknown);
}

#[test]
fn text_nobody_has_seen_before_is_unknown() {
    assert_eq!(classify(Some(200), Some(-1), "the moon is full", Some(5)), Class::Unknown);
    assert_eq!(classify(None, None, "", None), Class::Unknown);
}

#[test]
fn a_server_error_without_a_known_text_may_pass() {
    for status in [500, 502, 503, 599] {
        assert_eq!(classify(Some(status), None, "oops", None), Class::Transient);
    }
}

#[test]
fn long_text_is_cut_between_characters() {
    let text = "ü".repeat(10_000);
    assert_eq!(classify(None, None, &text, None), Class::Unknown);
}
