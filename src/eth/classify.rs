//! What an answer that is no result asks for: a table with a row per wording of a provider.
//!
//! Sources of the wordings: the tables of Ponder, Envio, rindexer and eRPC, and issues of projects
//! that met them. Rows are tried in order; the text is the error's message, its `data` and the body
//! of the HTTP answer together, matched without regard to case.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What an answer that is no result asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The node names a range of blocks that it would serve, both ends included.
    Suggested {
        /// First block.
        from: u64,
        /// Last block.
        to: u64,
    },
    /// The node serves at most so many blocks per request.
    Structural {
        /// The limit, in blocks.
        blocks: u64,
    },
    /// Too many logs or too large an answer: a narrower range will do.
    Density,
    /// The same the first time; after that the endpoint is ill.
    DensityOnce,
    /// Could be either a range or a rate limit: narrow the range and pause.
    HalveAndWait,
    /// The request itself is too large.
    TooLarge,
    /// The call needs more gas than the node gives.
    TooMuchGas,
    /// The node took too long.
    Timeout,
    /// The contract called reverted.
    Reverted,
    /// Too many requests: pause, for as long as the node says if it says.
    Rate,
    /// The plan is used up: leave the endpoint alone for long.
    Billing,
    /// The node does not have the block or the state: another one may.
    Missing,
    /// The endpoint does not let us in.
    Denied,
    /// The endpoint does not know the method.
    Unsupported,
    /// The endpoint does not take a block by its hash.
    ByNumber,
    /// A fault of the connection or the server that may pass.
    Transient,
    /// No row of the table fits.
    Unknown,
}

impl Class {
    /// A short name, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Suggested { .. } => "suggested",
            Self::Structural { .. } => "structural",
            Self::Density => "density",
            Self::DensityOnce => "density-once",
            Self::HalveAndWait => "halve-and-wait",
            Self::TooLarge => "too-large",
            Self::TooMuchGas => "too-much-gas",
            Self::Timeout => "timeout",
            Self::Reverted => "reverted",
            Self::Rate => "rate",
            Self::Billing => "billing",
            Self::Missing => "missing",
            Self::Denied => "denied",
            Self::Unsupported => "unsupported",
            Self::ByNumber => "by-number",
            Self::Transient => "transient",
            Self::Unknown => "unknown",
        }
    }

    /// Whether less in one request may help.
    pub const fn asks_for_less(self) -> bool {
        matches!(
            self,
            Self::Suggested { .. }
                | Self::Structural { .. }
                | Self::Density
                | Self::DensityOnce
                | Self::HalveAndWait
                | Self::TooLarge
                | Self::TooMuchGas
                | Self::Timeout
        )
    }
}

/// What a row of the table makes of its captures.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// Captures 1 and 2 are the ends of a range in hexadecimal, in either order.
    HexRange,
    /// Captures 1 and 2 are the ends of a range in decimal, in either order.
    Range,
    /// The last capture that took part is a number of blocks.
    Blocks,
    /// A limit the text does not say: the first of these that is below the span that failed.
    Known(&'static [u64]),
    /// Always this.
    Always(Class),
}

/// A number as providers write them: `10,000`, `10.000`, `10_000`, `10K`.
macro_rules! number {
    () => {
        r"(\d[\d,._]*\s?k?)\b"
    };
}

/// The table. A row's number is the one it has in the project's notes on providers; rows from 50 on
/// are our own.
const ROWS: &[(u8, &str, Action)] = &[
    (1, r"block range should work:? *\[0x([0-9a-f]+), *0x([0-9a-f]+)\]", Action::HexRange),
    (4, r"try with this block range *\[0x([0-9a-f]+), *0x([0-9a-f]+)\]", Action::HexRange),
    (7, r"retry with the range (\d+)-(\d+)", Action::Range),
    (2, concat!(r"up to an? ", number!(), r"[ -]block range"), Action::Blocks),
    (3, r"log response size exceeded", Action::Always(Class::Density)),
    (5, concat!(r"range \d+ exceeds limit of ", number!()), Action::Blocks),
    (6, r"query returned more than [\d,.]+k? (results|logs)", Action::Always(Class::Density)),
    (7, r"query exceeds max results", Action::Always(Class::Density)),
    (8, concat!(r"query exceeds max block range:? ", number!()), Action::Blocks),
    (9, concat!(r"range \d+ is bigger than range limit ", number!()), Action::Blocks),
    (12, concat!(r"limited to 0 *- *", number!(), r" blocks? range"), Action::Blocks),
    (10, concat!(r"limited to an? ", number!()), Action::Blocks),
    (11, concat!(r"limited to ", number!(), r" ?blocks?"), Action::Blocks),
    (13, concat!(r"block range is too wide \(maximum ", number!()), Action::Blocks),
    (14, r"block range is too wide", Action::Known(&[3_000])),
    (15, concat!(r"maximum \[from, to\] blocks distance: ", number!()), Action::Blocks),
    (16, concat!(r"ranges over ", number!(), r" blocks are not supported"), Action::Blocks),
    (17, concat!(r"max range: ", number!()), Action::Blocks),
    (18, concat!(r"maximum allowed number of requested blocks is ", number!()), Action::Blocks),
    (19, concat!(r"(?:exceed )?maximum block range: ", number!()), Action::Blocks),
    (20, concat!(r"limit the query to at most ", number!(), r" blocks"), Action::Blocks),
    (21, concat!(r"block range too large \(\d+\), maximum allowed is ", number!()), Action::Blocks),
    (22, r"block range too large", Action::Known(&[2_000])),
    (27, concat!(r"range is too large, max is ", number!(), r" ?blocks"), Action::Blocks),
    (23, r"block range is too large", Action::Always(Class::Density)),
    (24, concat!(r"range allowed for your plan \(\d+ > ", number!()), Action::Blocks),
    (25, r"block range limit exceeded", Action::Known(&[10_000, 100])),
    (
        26,
        concat!(r"requested too many blocks from \d+ to \d+, maximum is set to ", number!()),
        Action::Blocks,
    ),
    (28, concat!(r"query must be smaller than size ", number!()), Action::Blocks),
    (29, concat!(r"block range greater than ", number!(), r" max"), Action::Blocks),
    (29, concat!(r"block range exceeds ", number!()), Action::Blocks),
    (29, concat!(r"must not exceed ", number!(), r" blocks"), Action::Blocks),
    (30, r"logs matched by query exceeds limit of", Action::Always(Class::Density)),
    (
        31,
        r"more than [\d,._]+k? logs|\d logs returned|too many logs",
        Action::Always(Class::Density),
    ),
    (
        32,
        r"response size should not (be )?greater than|response (is )?too (large|big)|response exceeds",
        Action::Always(Class::Density),
    ),
    (33, r"no backend is currently healthy", Action::Always(Class::DensityOnce)),
    (34, r"error decoding response body|query took longer than", Action::Always(Class::Density)),
    (36, r"specify less number of addresses", Action::Always(Class::TooLarge)),
    (
        38,
        r"monthly (capacity|request|usage) limit|reached the free tier|payment required",
        Action::Always(Class::Billing),
    ),
    (
        50,
        r"out ?of ?gas|intrinsic gas|gas ?floor|gas required exceeds|exceeds (the )?(block )?gas (limit|allowance)|gas limit (\(\d+\) )?(is )?(too|exceeded|reached|(greater|higher) than)|gas uint64 overflow|gas cap",
        Action::Always(Class::TooMuchGas),
    ),
    (
        51,
        r"(request|body|payload|entity|content|calldata)( \w+)? (is )?too (large|big)|length limit exceeded|request size|batch too large",
        Action::Always(Class::TooLarge),
    ),
    (
        54,
        r"cannot unmarshal object into Go value of type (string|rpc\.BlockNumber)|block ?hash (parameter |is )?not supported|(invalid|expected|wrong) (type for )?block ?(number|tag|parameter)|requirecanonical|eip-?1898",
        Action::Always(Class::ByNumber),
    ),
    (52, r"execution reverted|vm execution error|revert", Action::Always(Class::Reverted)),
    (
        37,
        r"too many requests|rate.?limit|exceeded (the|your) .*quota|under too much load|requests? limited to|compute units per second|request limit",
        Action::Always(Class::Rate),
    ),
    (35, r"^\W*(query )?limit exceeded\W*$", Action::Always(Class::HalveAndWait)),
    (
        39,
        r"missing trie node|header (for hash )?not found|block (\S+ )?not found|unknown block|height is not available|pruned|block ?out ?of ?range|resource not found|not canonical|after last accepted block|historical state|(extends )?beyond (the )?(current|latest|chain)? ?head|(greater|higher) than (the )?(latest|current|head)|no state available|data before \S+ is not available|(history|state|logs?|block|receipts?) (is |has been |are |was )?(unavailable|not available|pruned|purged)",
        Action::Always(Class::Missing),
    ),
    (53, r"timed? ?out|deadline exceeded|took too long", Action::Always(Class::Timeout)),
    (
        40,
        r"not allowed to access|unauthorized|must (be )?authenticate|forbidden|invalid (api|project|access) (key|id)",
        Action::Always(Class::Denied),
    ),
    (
        41,
        r"method (\S+ )?(is )?(not (found|supported|whitelisted|available|allowed)|does not exist)|unsupported method",
        Action::Always(Class::Unsupported),
    ),
];

static TABLE: LazyLock<Vec<(Regex, Action)>> = LazyLock::new(|| {
    let compiled = ROWS.iter().map(|&(_, pattern, action)| {
        let regex = Regex::new(&format!("(?i){pattern}"));
        (regex.expect("the patterns of the table are valid"), action)
    });
    compiled.collect()
});

/// Text of an answer beyond this many bytes says nothing new.
const MOST_TEXT: usize = 4_096;

/// What an answer asks for.
///
/// `status` is the HTTP status, `code` that of the JSON-RPC error, `text` its message and data or
/// the body. `span` is the number of blocks that was asked for, if the request had a range.
pub fn classify(status: Option<u16>, code: Option<i64>, text: &str, span: Option<u64>) -> Class {
    let mut end = text.len().min(MOST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    let found = TABLE.iter().find_map(|(regex, action)| {
        let captures = regex.captures(text)?;
        action.class(&captures, span)
    });
    found.unwrap_or_else(|| by_number(status, code))
}

/// What status and code alone say.
fn by_number(status: Option<u16>, code: Option<i64>) -> Class {
    match (status, code) {
        (_, Some(429 | -32_029)) | (Some(429), _) => Class::Rate,
        (Some(402), _) => Class::Billing,
        (Some(401 | 403), _) => Class::Denied,
        (Some(413), _) => Class::TooLarge,
        (Some(408 | 504 | 524), _) => Class::Timeout,
        (Some(500..), _) => Class::Transient,
        (_, Some(3)) => Class::Reverted,
        (_, Some(-32_601 | -32_004)) => Class::Unsupported,
        (_, Some(-32_005 | -32_614)) => Class::HalveAndWait,
        (_, Some(-32_001)) => Class::Missing,
        _ => Class::Unknown,
    }
}

impl Action {
    /// `None` where the row matched but its numbers make no sense.
    fn class(self, captures: &Captures<'_>, span: Option<u64>) -> Option<Class> {
        let text = |index: usize| captures.get(index).map(|found| found.as_str());
        let ordered =
            |one: u64, other: u64| Class::Suggested { from: one.min(other), to: one.max(other) };
        match self {
            Self::HexRange => {
                let end = |index| u64::from_str_radix(text(index)?, 16).ok();
                Some(ordered(end(1)?, end(2)?))
            }
            Self::Range => {
                let end = |index| text(index)?.parse().ok();
                Some(ordered(end(1)?, end(2)?))
            }
            Self::Blocks => {
                let last = (1..captures.len()).rev().find_map(text)?;
                let blocks = read_number(last).filter(|&blocks| blocks > 0)?;
                Some(Class::Structural { blocks })
            }
            Self::Known(limits) => {
                let fits = |&&limit: &&u64| span.is_none_or(|span| limit < span);
                Some(match limits.iter().find(fits) {
                    Some(&blocks) => Class::Structural { blocks },
                    None => Class::Density,
                })
            }
            Self::Always(class) => Some(class),
        }
    }
}

/// `10,000`, `10.000`, `10_000`, `2.5K`: a separator before exactly three digits groups, another
/// point is a fraction.
fn read_number(text: &str) -> Option<u64> {
    let text = text.trim_end_matches(['.', ',', '_', ' ']).to_ascii_lowercase();
    let (digits, factor) = match text.strip_suffix('k') {
        Some(digits) => (digits.trim_end(), 1_000),
        None => (text.as_str(), 1),
    };
    let digits = digits.replace([',', '_'], "");
    let mut parts = digits.split('.');
    let whole: u64 = parts.next()?.parse().ok()?;
    let mut number = whole.checked_mul(factor)?;
    for part in parts {
        if part.len() == 3 && factor == 1 {
            number = number.checked_mul(1_000)?.checked_add(part.parse().ok()?)?;
        } else {
            let tenths: u64 = part.get(..1)?.parse().ok()?;
            return number.checked_add(tenths * factor / 10);
        }
    }
    Some(number)
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
