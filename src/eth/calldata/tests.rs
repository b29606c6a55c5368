//! Batches of every function, nested ones, hostile ones.

use alloy::primitives::{Bytes, address};
use alloy::sol;
use alloy::sol_types::{SolCall, SolValue};
use proptest::prelude::*;

use super::*;

sol! {
    struct Call { address target; bytes callData; }
    struct Call3 { address target; bool allowFailure; bytes callData; }
    struct Call3Value { address target; bool allowFailure; uint256 value; bytes callData; }
    struct Result { bool success; bytes returnData; }
    function aggregate(Call[] calldata calls) external payable returns (uint256 blockNumber, bytes[] memory returnData);
    function tryAggregate(bool requireSuccess, Call[] calldata calls) external payable returns (Result[] memory returnData);
    function blockAndAggregate(Call[] calldata calls) external payable returns (uint256 blockNumber, bytes32 blockHash, Result[] memory returnData);
    function tryBlockAndAggregate(bool requireSuccess, Call[] calldata calls) external payable returns (uint256 blockNumber, bytes32 blockHash, Result[] memory returnData);
    function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory returnData);
    function aggregate3Value(Call3Value[] calldata calls) external payable returns (Result[] memory returnData);
    function balanceOf(address account) external view returns (uint256);
    function symbol() external view returns (string);
    error Error(string reason);
    error Panic(uint256 code);
}

const AUDIO: Address = address!("18aAA7115705e8be94bfFEbDE57Af9BFc265B998");
const HOLDER: Address = address!("a000000000000000000000000000000000000001");

fn balance() -> Bytes {
    balanceOfCall { account: HOLDER }.abi_encode().into()
}

fn three(data: impl IntoIterator<Item = Bytes>) -> Vec<u8> {
    let call = |data| Call3 { target: AUDIO, allowFailure: true, callData: data };
    aggregate3Call { calls: data.into_iter().map(call).collect() }.abi_encode()
}

fn result(success: bool, data: Vec<u8>) -> Result {
    Result { success, returnData: data.into() }
}

#[test]
fn all_six_functions_are_read() {
    let call = || Call { target: AUDIO, callData: balance() };
    let value = U256::from(7);
    let flagged = Call3Value { target: AUDIO, allowFailure: false, value, callData: balance() };
    let inputs = [
        aggregateCall { calls: vec![call()] }.abi_encode(),
        tryAggregateCall { requireSuccess: true, calls: vec![call()] }.abi_encode(),
        blockAndAggregateCall { calls: vec![call()] }.abi_encode(),
        tryBlockAndAggregateCall { requireSuccess: false, calls: vec![call()] }.abi_encode(),
        three([balance()]),
        aggregate3ValueCall { calls: vec![flagged] }.abi_encode(),
    ];
    let flags = [None, Some(true), None, Some(false), None, None];
    let each =
        [(None, None); 4].into_iter().chain([(Some(true), None), (Some(false), Some(value))]);
    for (((input, function), flag), (allow, sent)) in
        inputs.iter().zip(Function::ALL).zip(flags).zip(each)
    {
        let batch = decode(input).unwrap();
        assert_eq!((batch.function, batch.require_success), (function, flag));
        let [call] = &batch.calls[..] else { panic!("{batch:?}") };
        assert_eq!((call.target, call.allow_failure, call.value), (AUDIO, allow, sent));
        assert_eq!(call.called(), format!("balanceOf({HOLDER})"));
        assert_eq!(&input[call.position..call.position + call.size], &balance()[..]);
    }
}

#[test]
fn batches_in_batches_are_read_to_a_depth() {
    let mut input = three([balance()]);
    for _ in 1..MOST_DEPTH + 3 {
        input = three([input.into()]);
    }
    let mut batch = &decode(&input).unwrap();
    for depth in 1..MOST_DEPTH {
        match &batch.calls[0].meaning {
            Meaning::Batch(inner) => batch = inner,
            other => panic!("{depth}: {other:?}"),
        }
    }
    assert_eq!(batch.calls[0].meaning, Meaning::TooDeep(Function::Aggregate3));
}

#[test]
fn functions_nobody_knows_are_selector_and_size() {
    let data = [vec![0xde, 0xad, 0xbe, 0xef], vec![0; 64]].concat();
    let batch = decode(&three([data.into(), Bytes::new(), vec![1, 2].into()])).unwrap();
    let called: Vec<_> = batch.calls.iter().map(SubCall::called).collect();
    assert_eq!(called, ["0xdeadbeef (68 bytes)", "no selector (0 bytes)", "no selector (2 bytes)"]);
}

#[test]
fn known_functions_with_arguments_that_do_not_fit_say_where() {
    let short = balance().slice(..20);
    let dirty = [&balance()[..4], &[0xff; 32]].concat();
    let batch = decode(&three([short, dirty.into()])).unwrap();
    for call in &batch.calls {
        let Meaning::Unreadable { name: "balanceOf", error } = &call.meaning else {
            panic!("{call:?}")
        };
        assert_eq!(error.position, call.position + 4);
    }
}

#[test]
fn what_was_returned_is_told_per_call() {
    let symbol: Bytes = symbolCall {}.abi_encode().into();
    let inner = three([balance()]);
    let odd: Bytes = vec![0xde, 0xad, 0xbe, 0xef].into();
    let data = [balance(), symbol, balance(), balance(), balance(), odd, balance(), inner.into()];
    let mut batch = decode(&three(data)).unwrap();
    let reverted = [&[0x08, 0xc3, 0x79, 0xa0], &"broken".to_owned().abi_encode()[..]].concat();
    let panicked = [&[0x4e, 0x48, 0x7b, 0x71], &U256::from(17).abi_encode()[..]].concat();
    let nested = vec![result(true, U256::from(5).abi_encode())];
    let returned = vec![
        result(true, U256::from(123).abi_encode()),
        result(true, "AUDIO".to_owned().abi_encode()),
        result(false, reverted),
        result(false, panicked),
        result(false, vec![]),
        result(true, vec![0xab; 40]),
        result(true, vec![]),
        result(true, aggregate3Call::abi_encode_returns(&nested)),
    ];
    batch
        .add_returned(&aggregate3Call::abi_encode_returns(&returned), &Signatures::default())
        .unwrap();
    let told: Vec<_> =
        batch.calls.iter().map(|call| call.outcome.as_ref().unwrap().to_string()).collect();
    let raw = format!("0x{}… (40 bytes)", "ab".repeat(32));
    let wanted = [
        "123",
        "\"AUDIO\"",
        "failed: \"broken\"",
        "failed: panic 0x11 (overflow)",
        "failed: no reason given",
        &raw,
        "nothing",
        "see below",
    ];
    assert_eq!(told, wanted);
    let Meaning::Batch(inner) = &batch.calls[7].meaning else { panic!("{batch:?}") };
    assert_eq!(inner.calls[0].outcome.as_ref().unwrap().to_string(), "5");
}

#[test]
fn the_older_functions_return_a_block() {
    let calls = || vec![Call { target: AUDIO, callData: balance() }];
    let (number, amount) = (U256::from(99), U256::from(5).abi_encode());
    let mut batch = decode(&aggregateCall { calls: calls() }.abi_encode()).unwrap();
    let returned = (number, vec![Bytes::from(amount.clone())]).abi_encode_params();
    batch.add_returned(&returned, &Signatures::default()).unwrap();
    assert_eq!(batch.block, Some((number, None)));
    assert_eq!(batch.calls[0].outcome.as_ref().unwrap().to_string(), "5");
    let mut batch = decode(&blockAndAggregateCall { calls: calls() }.abi_encode()).unwrap();
    let hash = B256::repeat_byte(3);
    let returned = (number, hash, vec![result(true, amount)]).abi_encode_params();
    batch.add_returned(&returned, &Signatures::default()).unwrap();
    assert_eq!(batch.block, Some((number, Some(hash))));
    assert_eq!(batch.calls[0].outcome.as_ref().unwrap().to_string(), "5");
}

#[test]
fn errors_name_the_byte() {
    let input = three([balance()]);
    let at = |input: &[u8]| decode(input).unwrap_err();
    assert_eq!(at(&[]).to_string(), "byte 0: there is no selector");
    assert_eq!(at(&[1, 2, 3, 4]).position, 0);
    assert_eq!(at(&input[..4]).position, 4);
    // The offset of the calls.
    let mut wrong = input.clone();
    wrong[4 + 30] = 0xff;
    assert_eq!(at(&wrong).position, 4);
    // Their number.
    let mut wrong = input.clone();
    wrong[36] = 0xff;
    let error = at(&wrong);
    assert_eq!(
        error.to_string(),
        "byte 36: the number of calls is more than any input has, there is room for 7"
    );
    // The target.
    let mut wrong = input.clone();
    wrong[100] = 1;
    assert_eq!(at(&wrong).position, 100);
    // The flag.
    let mut wrong = input.clone();
    wrong[132 + 31] = 2;
    assert!(at(&wrong).to_string().starts_with("byte 132: allowFailure is neither 0 nor 1"));
    // The length of the calldata.
    let mut wrong = input;
    wrong[196 + 30] = 1;
    assert_eq!(
        at(&wrong).to_string(),
        "byte 196: the length of callData is 292, there are 64 bytes"
    );
}

#[test]
fn results_that_are_not_of_this_batch_are_refused() {
    let mut batch = decode(&three([balance(), balance()])).unwrap();
    let one = vec![result(true, vec![0; 32])];
    let error = batch
        .add_returned(&aggregate3Call::abi_encode_returns(&one), &Signatures::default())
        .unwrap_err();
    assert_eq!(error.to_string(), "byte 32: 1 results for 2 calls");
}

/// A batch whose calls all are the same bytes.
fn overlapping(count: usize, shared: &[u8]) -> Vec<u8> {
    let mut input = Function::Aggregate3.selector().to_vec();
    input.extend(U256::from(32).to_be_bytes_vec());
    input.extend(U256::from(count).to_be_bytes_vec());
    for _ in 0..count {
        input.extend(U256::from(32 * count).to_be_bytes_vec());
    }
    let call = Call3 { target: AUDIO, allowFailure: true, callData: shared.to_vec().into() };
    input.extend(call.abi_encode_params());
    input
}

#[test]
fn a_few_bytes_cannot_claim_to_be_millions_of_calls() {
    // Twenty calls that all are the same batch of twenty calls, and so on: 20^8 if believed.
    let mut input = overlapping(20, &balance());
    for _ in 0..8 {
        input = overlapping(20, &input);
    }
    let error = decode(&input).unwrap_err();
    assert!(error.problem.contains("overlap"), "{error}");
    // Empty ones are no more than their offsets.
    assert_eq!(decode(&overlapping(1_000, &[])).unwrap().calls.len(), 1_000);
}

#[test]
fn an_error_is_never_at_a_byte_that_the_input_does_not_have() {
    let word = |number: u64| U256::from(number).to_be_bytes::<32>();
    // The last word is the flag of the only call: its value and the offset after it are missing.
    let words = [word(32), word(1), word(32), word(7), word(1)].concat();
    let complete = [&Function::Aggregate3Value.selector(), &words[..]].concat();
    for (missing, what) in
        [(0, "value"), (16, "allowFailure"), (32, "allowFailure"), (48, "target")]
    {
        let input = &complete[..complete.len() - missing];
        let error = decode(input).unwrap_err();
        assert!(error.position <= input.len() && error.problem.starts_with(what), "{error}");
    }
}

fn count(batch: &Batch) -> usize {
    let inner = batch.calls.iter().map(|call| match &call.meaning {
        Meaning::Batch(batch) => count(batch),
        _ => 0,
    });
    batch.calls.len() + inner.sum::<usize>()
}

fn harmless(input: &[u8], returned: &[u8]) {
    match decode(input) {
        Ok(mut batch) => {
            assert!(count(&batch) <= MOST_DEPTH * input.len() / 32 + 1);
            if let Err(error) = batch.add_returned(returned, &Signatures::default()) {
                assert!(error.position <= returned.len());
            }
            let text = to_json(&batch, input).to_string();
            assert!(text.len() <= 2_000 + 2_000 * input.len());
        }
        Err(error) => assert!(error.position <= input.len(), "{error}"),
    }
}

proptest! {
    #[test]
    fn any_bytes_after_a_selector_are_read_or_refused(
        function in 0_usize..6,
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        returned in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        harmless(&[&Function::ALL[function].selector(), &bytes[..]].concat(), &returned);
    }

    #[test]
    fn words_that_look_like_offsets_are_read_or_refused(
        function in 0_usize..6,
        words in prop::collection::vec(prop_oneof![0_u64..40, (0_u64..20).prop_map(|n| n * 32), Just(u64::MAX)], 0..60),
        returned in prop::collection::vec(prop_oneof![0_u64..40, (0_u64..20).prop_map(|n| n * 32)], 0..40),
    ) {
        let encoded = |words: &[u64]| -> Vec<u8> {
            words.iter().flat_map(|&word| U256::from(word).to_be_bytes::<32>()).collect()
        };
        let input = [&Function::ALL[function].selector(), &encoded(&words)[..]].concat();
        harmless(&input, &encoded(&returned));
    }

    #[test]
    fn a_good_batch_with_bytes_changed_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut input = three([balance(), three([balance(), balance()]).into(), balance()]);
        for (at, byte) in changes {
            let at = at.index(input.len());
            input[at] = byte;
        }
        harmless(&input, &input);
        harmless(&input[..cut.index(input.len())], &[]);
    }
}
