//! A batch of calls, or a single one, for people: a table where the terminal is wide enough for it,
//! a paragraph per call where it is not.

use std::collections::BTreeMap;

use alloy::hex;
use alloy::primitives::{Address, U256};
use comfy_table::{Cell, CellAlignment, ContentArrangement};

use super::table::{grouped, plain, terminal_width};
use crate::eth::Contracts;
use crate::eth::calldata::{
    Batch, Decoded, Meaning, Outcome, Returned, SubCall, Value, extra_words,
};

/// Words of unknown calldata that are shown of one call; JSON has all.
const WORDS: usize = 16;

/// Calls of unknown functions whose words are shown.
const UNKNOWN: usize = 10;

/// Functions of Audius' contracts whose first result is an amount of AUDIO.
const AMOUNTS: &[&str] = &[
    "balanceOf",
    "allowance",
    "totalSupply",
    "totalStakedFor",
    "totalStakedForAt",
    "totalStaked",
    "getTotalDelegatorStake",
    "getTotalDelegatedToServiceProvider",
    "getDelegatorStakeForServiceProvider",
    "delegateStake",
    "requestUndelegateStake",
    "undelegateStake",
];

/// One call, its parts as text.
struct Line {
    number: String,
    target: String,
    name: String,
    arguments: Vec<String>,
    /// Behind the call: what is sent along, and whether it must succeed.
    aside: String,
    outcome: String,
}

/// What was decoded: a headline, the contracts that have names, a line or a paragraph per call, and
/// the words of calls that nobody knows. `input` is the whole calldata.
pub fn render(decoded: &Decoded, input: &[u8]) -> String {
    render_within(decoded, input, terminal_width().map(usize::from))
}

/// The same on so many columns; without a limit there is always a table.
fn render_within(decoded: &Decoded, input: &[u8], columns: Option<usize>) -> String {
    let names = Names::default();
    let (mut lines, mut unknown) = (Vec::new(), Vec::new());
    let head = match decoded {
        Decoded::Batch(batch) => {
            collect(batch, "", &names, &mut lines, &mut unknown);
            format!(
                "{}{}",
                headline(batch),
                names.legend(batch.calls.iter().map(|call| call.target))
            )
        }
        Decoded::Single(call) => {
            lines.push(line(call, "0", &names));
            if matches!(call.meaning, Meaning::Unknown) {
                unknown.push(("0".to_owned(), (**call).clone()));
            }
            let size = grouped(u64::try_from(call.size).unwrap_or(u64::MAX));
            let legend = names.legend(std::iter::once(call.target));
            format!("one call, no batch: {size} bytes of calldata{legend}")
        }
    };
    let table = table(&lines);
    let widest = table.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let body = match columns {
        Some(columns) if widest > columns => paragraphs(&lines, columns),
        _ => table.join("\n"),
    };
    let mut parts = vec![head, body];
    parts.extend(unknown.iter().take(UNKNOWN).map(|(number, call)| words(number, call, input)));
    if unknown.len() > UNKNOWN {
        parts
            .push(format!("({} more calls of unknown functions: --json)", unknown.len() - UNKNOWN));
    }
    parts.extend(sum(decoded, &names));
    parts.join("\n\n")
}

fn table(lines: &[Line]) -> Vec<String> {
    let returned = lines.iter().any(|line| !line.outcome.is_empty());
    let mut table = plain(["#", "contract", "call", if returned { "returned" } else { "" }]);
    // Addresses that are cut in two cannot be searched for.
    table.set_content_arrangement(ContentArrangement::Disabled);
    for line in lines {
        let call = format!("{}{}", whole(line), line.aside);
        table.add_row([&line.number, &line.target, &call, &line.outcome].map(Cell::new));
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn whole(line: &Line) -> String {
    if line.arguments.is_empty() {
        return line.name.clone();
    }
    format!("{}({})", line.name, line.arguments.join(", "))
}

/// Number and contract, then the call, its arguments on lines of their own where they do not fit, then
/// what it returned.
fn paragraphs(lines: &[Line], columns: usize) -> String {
    let margin = lines.iter().map(|line| line.number.len()).max().unwrap_or(1) + 2;
    let indent = " ".repeat(margin);
    let mut text = Vec::new();
    for line in lines {
        text.push(format!("{:<margin$}{}", line.number, line.target));
        let call = whole(line);
        if margin + call.chars().count() + line.aside.chars().count() <= columns {
            text.push(format!("{indent}{call}{}", line.aside));
        } else {
            let open = if line.arguments.is_empty() { "" } else { "(" };
            text.push(format!("{indent}{}{open}", line.name));
            text.extend(line.arguments.iter().map(|argument| format!("{indent}    {argument}")));
            let close = if line.arguments.is_empty() { "" } else { ")" };
            if !close.is_empty() || !line.aside.is_empty() {
                text.push(format!("{indent}{close}{}", line.aside));
            }
        }
        if !line.outcome.is_empty() {
            text.push(format!("{indent}-> {}", line.outcome));
        }
    }
    text.join("\n")
}

/// The words of a call that nobody knows, each with its offset behind the selector.
fn words(number: &str, call: &SubCall, input: &[u8]) -> String {
    let data = call.data(input);
    let (selector, rest) = data.split_at(data.len().min(4));
    let mut text = format!("call {number}: {}", hex::encode_prefixed(selector));
    for (index, word) in rest.chunks(32).take(WORDS).enumerate() {
        text = format!("{text}\n  {:>4x}: {}", index * 32, hex::encode(word));
    }
    let more = rest.len().div_ceil(32).saturating_sub(WORDS);
    if more > 0 { format!("{text}\n  ({more} more words: --json)") } else { text }
}

fn headline(batch: &Batch) -> String {
    let count = |number: usize| grouped(u64::try_from(number).unwrap_or(u64::MAX));
    let mut text = format!(
        "{}: {} sub-calls, {} bytes of calldata",
        batch.function.name(),
        count(batch.calls.len()),
        count(batch.size),
    );
    if let Some(flag) = batch.require_success {
        text.push_str(if flag { ", all must succeed" } else { ", each may fail" });
    }
    if let Some((number, _)) = batch.block {
        text = format!("{text}, at block {number}");
    }
    let failed = batch.calls.iter().filter_map(|call| call.outcome.as_ref());
    let failed = failed.filter(|outcome| !outcome.success).count();
    if failed > 0 {
        text = format!("{text}, {} failed", count(failed));
    }
    if !batch.extra.is_empty() {
        text = format!("{text}\n{}", extra_words(&batch.extra));
    }
    text
}

/// What all the calls together are: how many of which function, how many failed, and the AUDIO that
/// they name. Nothing where one line says it all.
fn sum(decoded: &Decoded, names: &Names) -> Option<String> {
    let Decoded::Batch(batch) = decoded else { return None };
    let mut total = Total::default();
    total.add(batch, names);
    if total.calls < 2 {
        return None;
    }
    let mut kinds: Vec<(&str, u64)> = total.by_name.into_iter().collect();
    kinds.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let rest: u64 = kinds.iter().skip(KINDS).map(|(_, count)| count).sum();
    let shown = kinds.iter().take(KINDS).map(|(name, count)| format!("{} {name}", grouped(*count)));
    let mut parts: Vec<String> = shown.collect();
    if rest > 0 {
        parts.push(format!("{} others", grouped(rest)));
    }
    let mut text = format!("sum: {} calls: {}", grouped(total.calls), parts.join(", "));
    if total.returned > 0 {
        text = format!("{text}; {} succeeded", grouped(total.returned - total.failed));
        if total.failed > 0 {
            text = format!("{text}, {} failed", grouped(total.failed));
        }
    }
    if let Some(wei) = total.wei {
        text = format!("{text}; {} returned", audio(wei));
    }
    Some(text)
}

/// Functions that the sum names; of more only how many.
const KINDS: usize = 6;

/// What is counted of the calls of a batch, of nested ones too.
#[derive(Default)]
struct Total<'b> {
    calls: u64,
    by_name: BTreeMap<&'b str, u64>,
    /// Calls with an outcome, and those of them that failed.
    returned: u64,
    failed: u64,
    /// Amounts of AUDIO that came back; none where none did.
    wei: Option<U256>,
}

impl<'b> Total<'b> {
    fn add(&mut self, batch: &'b Batch, names: &Names) {
        for call in &batch.calls {
            if let Meaning::Batch(inner) = &call.meaning {
                self.add(inner, names);
                continue;
            }
            self.calls += 1;
            let name = match &call.meaning {
                Meaning::Known { name, .. } | Meaning::Unreadable { name, .. } => name,
                Meaning::TooDeep(function) => function.name(),
                _ => "unknown",
            };
            *self.by_name.entry(name).or_default() += 1;
            let Some(outcome) = &call.outcome else { continue };
            self.returned += 1;
            self.failed += u64::from(!outcome.success);
            if let Some(wei) = amount(call, outcome, names.holds_audio(call.target)) {
                self.wei = Some(self.wei.unwrap_or_default().saturating_add(wei));
            }
        }
    }
}

fn collect(
    batch: &Batch,
    prefix: &str,
    names: &Names,
    lines: &mut Vec<Line>,
    unknown: &mut Vec<(String, SubCall)>,
) {
    for (index, call) in batch.calls.iter().enumerate() {
        let number = format!("{prefix}{index}");
        lines.push(line(call, &number, names));
        match &call.meaning {
            Meaning::Batch(inner) => collect(inner, &format!("{number}."), names, lines, unknown),
            Meaning::Unknown => unknown.push((number, call.clone())),
            _ => {}
        }
    }
}

fn line(call: &SubCall, number: &str, names: &Names) -> Line {
    let in_audio = names.holds_audio(call.target);
    let (name, arguments) = match &call.meaning {
        Meaning::Known { name, arguments, .. } => {
            let shown = arguments.iter().map(|(name, value)| match value {
                Value::Uint(wei) if in_audio && *name == "amount" => audio(*wei),
                value => value.to_string(),
            });
            let shown: Vec<_> = shown.collect();
            let name = if shown.is_empty() { format!("{name}()") } else { (*name).to_owned() };
            (name, shown)
        }
        _ => (call.called(), Vec::new()),
    };
    let mut aside = String::new();
    if let Some(value) = call.value.filter(|value| !value.is_zero()) {
        aside = format!(" with {value} wei");
    }
    if call.allow_failure == Some(false) {
        aside.push_str(", must succeed");
    }
    if !call.extra().is_empty() {
        aside = format!("{aside}, {}", extra_words(call.extra()));
    }
    let outcome = call.outcome.as_ref().map(|outcome| shown(call, outcome, in_audio));
    let outcome = outcome.unwrap_or_default();
    Line {
        number: number.to_owned(),
        target: names.of(call.target),
        name,
        arguments,
        aside,
        outcome,
    }
}

/// What a call returned, an amount of AUDIO as such.
fn shown(call: &SubCall, outcome: &Outcome, in_audio: bool) -> String {
    amount(call, outcome, in_audio).map_or_else(|| outcome.to_string(), audio)
}

/// The amount of AUDIO that a call returned, if that is what it returned.
fn amount(call: &SubCall, outcome: &Outcome, in_audio: bool) -> Option<U256> {
    match (&call.meaning, &outcome.returned) {
        (Meaning::Known { name, .. }, Returned::Values(values))
            if in_audio && outcome.success && AMOUNTS.contains(name) =>
        {
            match values.as_slice() {
                [Value::Uint(wei)] => Some(*wei),
                _ => None,
            }
        }
        _ => None,
    }
}

/// An amount of AUDIO, which has 18 decimals: `1,234.5 AUDIO`.
fn audio(wei: U256) -> String {
    let unit = U256::from(10_u64.pow(18));
    let (whole, rest) = (wei / unit, wei % unit);
    let whole = u64::try_from(whole).map_or_else(|_| whole.to_string(), grouped);
    let decimals = format!("{:018}", u64::try_from(rest).unwrap_or(0));
    match decimals.trim_end_matches('0') {
        "" => format!("{whole} AUDIO"),
        decimals => format!("{whole}.{decimals} AUDIO"),
    }
}

/// Contracts of mainnet that have names.
struct Names(BTreeMap<Address, &'static str>);

impl Default for Names {
    fn default() -> Self {
        Self(Contracts::default().named().into_iter().map(|(name, at)| (at, name)).collect())
    }
}

impl Names {
    /// Whether amounts that a contract is called with are AUDIO.
    fn holds_audio(&self, address: Address) -> bool {
        self.0.get(&address).is_some_and(|name| *name != "Multicall3")
    }

    fn of(&self, address: Address) -> String {
        if address.is_zero() {
            return "?".to_owned();
        }
        self.0.get(&address).map_or_else(|| address.to_string(), |name| (*name).to_owned())
    }

    /// The addresses behind the names that appear.
    fn legend(&self, targets: impl Iterator<Item = Address>) -> String {
        let mut targets: Vec<Address> = targets.collect();
        targets.sort_unstable();
        targets.dedup();
        let named = targets.iter().filter_map(|target| Some((self.0.get(target)?, target)));
        named.map(|(name, address)| format!("\n{name} is {address}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Bytes, address};
    use alloy::sol_types::{SolCall, SolValue};

    use super::*;
    use crate::eth::abi::{Multicall3, Token};
    use crate::eth::calldata;

    fn sub_call(target: Address, data: Vec<u8>) -> Multicall3::Call3 {
        Multicall3::Call3 { target, allowFailure: true, callData: Bytes::from(data) }
    }

    #[test]
    fn a_batch_is_a_headline_a_legend_and_a_line_per_call() {
        let holder = address!("a000000000000000000000000000000000000001");
        let contracts = Contracts::default();
        let balance = Token::balanceOfCall { account: holder }.abi_encode();
        let calls = vec![sub_call(contracts.audio, balance)];
        let inner = Multicall3::aggregate3Call { calls }.abi_encode();
        let calls = vec![sub_call(contracts.multicall, inner), sub_call(holder, vec![1, 2, 3, 4])];
        let input = Multicall3::aggregate3Call { calls }.abi_encode();
        let decoded = calldata::read(&input, None, &calldata::Signatures::default()).unwrap();
        let text = render(&decoded, &input);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "aggregate3: 2 sub-calls, 740 bytes of calldata");
        assert_eq!(lines[1], "Multicall3 is 0xcA11bde05977b3631167028862bE2a173976CA11");
        assert!(
            lines.iter().any(|line| line.contains("0.0")
                && line.contains("AUDIO token")
                && line.contains("balanceOf(0xA000000000000000000000000000000000000001)")),
            "{text}"
        );
        assert!(lines.iter().any(|line| line.contains("0x01020304 (4 bytes)")), "{text}");
    }

    #[test]
    fn on_a_narrow_terminal_no_line_is_too_long_and_no_address_is_cut() {
        let holder = address!("a000000000000000000000000000000000000001");
        let audio = Contracts::default().audio;
        let amount = U256::from(15).pow(U256::from(16));
        let transfer = [&[0xa9, 0x05, 0x9c, 0xbb], &(holder, amount).abi_encode()[..]].concat();
        let calls = vec![sub_call(audio, transfer), sub_call(holder, vec![9; 68])];
        let input = Multicall3::aggregate3Call { calls }.abi_encode();
        let decoded = calldata::read(&input, None, &calldata::Signatures::default()).unwrap();
        let text = render_within(&decoded, &input, Some(80));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains(&holder.to_string()), "{text}");
        assert!(text.contains("call 1: 0x09090909\n     0: 0909"), "{text}");
    }

    #[test]
    fn amounts_of_audio_are_shown_as_such() {
        let wei = |text: &str| audio(text.parse().unwrap());
        assert_eq!(wei("1234500000000000000000"), "1,234.5 AUDIO");
        assert_eq!(wei("1"), "0.000000000000000001 AUDIO");
        assert_eq!(wei("0"), "0 AUDIO");
    }

    #[test]
    fn a_plain_call_is_shown_like_a_batch_of_one() {
        let holder = address!("a000000000000000000000000000000000000001");
        let input = Token::balanceOfCall { account: holder }.abi_encode();
        let known = calldata::Signatures::default();
        let decoded = calldata::read(&input, Some(Contracts::default().audio), &known).unwrap();
        let text = render(&decoded, &input);
        assert!(
            text.starts_with("one call, no batch: 36 bytes of calldata\nAUDIO token is"),
            "{text}"
        );
        assert!(text.contains(&format!("balanceOf({holder})")), "{text}");
    }
}
