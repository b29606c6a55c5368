//! A batch of calls as a table for people.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use comfy_table::{Cell, CellAlignment, ContentArrangement};

use super::table::{grouped, plain};
use crate::eth::Contracts;
use crate::eth::calldata::{Batch, Meaning, SubCall};

/// A batch and the batches in it: a headline, the contracts that have names, and a line per call.
pub fn render(batch: &Batch) -> String {
    let names = Names::default();
    let returned = batch.calls.iter().any(|call| call.outcome.is_some());
    let mut rows = Vec::new();
    collect(batch, "", &names, &mut rows);
    let mut table = if returned {
        plain(["#", "contract", "call", "returned"])
    } else {
        plain(["#", "contract", "call", ""])
    };
    // Addresses that are cut in two cannot be searched for.
    table.set_content_arrangement(ContentArrangement::Disabled);
    for row in rows {
        table.add_row(row);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let body: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("{}{}\n\n{}", headline(batch), names.legend(batch), body.join("\n"))
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
    text
}

fn collect(batch: &Batch, prefix: &str, names: &Names, rows: &mut Vec<Vec<Cell>>) {
    for (index, call) in batch.calls.iter().enumerate() {
        let number = format!("{prefix}{index}");
        let outcome = call.outcome.as_ref().map(ToString::to_string).unwrap_or_default();
        rows.push(vec![
            Cell::new(&number),
            Cell::new(names.of(call.target)),
            Cell::new(called(call)),
            Cell::new(outcome),
        ]);
        if let Meaning::Batch(inner) = &call.meaning {
            collect(inner, &format!("{number}."), names, rows);
        }
    }
}

fn called(call: &SubCall) -> String {
    let mut text = call.called();
    if let Some(value) = call.value.filter(|value| !value.is_zero()) {
        text = format!("{text} with {value} wei");
    }
    if call.allow_failure == Some(false) {
        text.push_str(", must succeed");
    }
    text
}

/// Contracts of mainnet that have names.
struct Names(BTreeMap<Address, &'static str>);

impl Default for Names {
    fn default() -> Self {
        Self(Contracts::default().named().into_iter().map(|(name, at)| (at, name)).collect())
    }
}

impl Names {
    fn of(&self, address: Address) -> String {
        self.0.get(&address).map_or_else(|| address.to_string(), |name| (*name).to_owned())
    }

    /// The addresses behind the names that appear.
    fn legend(&self, batch: &Batch) -> String {
        let mut targets: Vec<Address> = batch.calls.iter().map(|call| call.target).collect();
        targets.sort_unstable();
        targets.dedup();
        let named = targets.iter().filter_map(|target| Some((self.0.get(target)?, target)));
        named.map(|(name, address)| format!("\n{name} is {address}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Bytes, address};
    use alloy::sol_types::SolCall;

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
        let text = render(&calldata::decode(&input).unwrap());
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
}
