//! `decode-multicall` from every kind of input, to a table and to JSON.

use alloy::primitives::{Bytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use audius_etl::eth::Contracts;
use audius_etl::eth::abi::{DelegateManager, Multicall3, Staking, Token};
use serde_json::Value;

use crate::support::TestEnv;
use crate::support::anvil::{Anvil, Mocks, holder};

/// What a refresh of `holders` asks mainnet, without the check of the block number.
fn mainnet_shaped(holders: u64) -> Vec<u8> {
    let contracts = Contracts::default();
    let call = |target, data: Vec<u8>| Multicall3::Call3 {
        target,
        allowFailure: true,
        callData: Bytes::from(data),
    };
    let calls = (0..holders).flat_map(|number| {
        let account = holder(number);
        let delegated = DelegateManager::getTotalDelegatorStakeCall { delegator: account };
        [
            call(contracts.audio, Token::balanceOfCall { account }.abi_encode()),
            call(contracts.staking, Staking::totalStakedForCall { account }.abi_encode()),
            call(contracts.delegate_manager, delegated.abi_encode()),
        ]
    });
    Multicall3::aggregate3Call { calls: calls.collect() }.abi_encode()
}

fn hex(bytes: &[u8]) -> String {
    alloy::hex::encode_prefixed(bytes)
}

#[test]
fn six_hundred_sub_calls_are_a_readable_table() {
    let env = TestEnv::new();
    env.write("call.hex", hex(&mainnet_shaped(200)));
    let run = env.run(&["decode-multicall", "call.hex"]);
    assert_eq!(run.code(), 0, "{run:?}");
    let text = run.stdout();
    let head: Vec<&str> = text.lines().take(12).collect();
    insta::assert_snapshot!("decode_multicall_head", head.join("\n"));
    let sum = "sum: 600 calls: 200 balanceOf, 200 getTotalDelegatorStake, 200 totalStakedFor";
    assert_eq!(text.lines().last(), Some(sum), "{text}");
    assert_eq!(text.lines().count(), 4 + 1 + 2 + 600 + 2);
}

#[test]
fn hexadecimal_text_bytes_and_standard_input_say_the_same() {
    let (env, input) = (TestEnv::new(), mainnet_shaped(2));
    env.write("call.hex", format!("\"{}\"\n", hex(&input))).write("call.bin", &input);
    let typed = env.run(&["decode-multicall", &hex(&input)]);
    assert_eq!(typed.code(), 0, "{typed:?}");
    for file in ["call.hex", "call.bin"] {
        assert_eq!(env.run(&["decode-multicall", file]).stdout(), typed.stdout());
    }
    let file = std::fs::File::open(env.path().join("call.hex")).unwrap();
    let piped = env.command(&["decode-multicall", "-"]).stdin(file).output().unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), typed.stdout());
}

#[test]
fn results_are_beside_their_calls_and_json_has_everything() {
    let env = TestEnv::new();
    let ok = |number: u64| Multicall3::Result {
        success: true,
        returnData: U256::from(number).abi_encode().into(),
    };
    let failed = Multicall3::Result { success: false, returnData: Bytes::new() };
    let returned = Multicall3::aggregate3Call::abi_encode_returns(&vec![ok(12), failed, ok(0)]);
    env.write("result.hex", hex(&returned));
    let input = hex(&mainnet_shaped(1));
    let run = env.run(&["decode-multicall", &input, "--returned", "result.hex"]);
    assert!(run.stdout().contains("failed: no reason given"), "{run:?}");
    let sum = "; 2 succeeded, 1 failed; 0.000000000000000012 AUDIO returned";
    assert!(run.stdout().trim_end().ends_with(sum), "{run:?}");
    let run = env.run(&["decode-multicall", &input, "--returned", "result.hex", "--json"]);
    let json: Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(json["function"], "aggregate3");
    let first = &json["calls"][0];
    assert_eq!(first["name"], "balanceOf");
    assert_eq!(first["arguments"][0]["value"], holder(0).to_string());
    assert_eq!(first["result"], serde_json::json!({"success": true, "size": 32, "values": ["12"]}));
    assert_eq!(json["calls"][1]["result"], serde_json::json!({"success": false, "size": 0}));
}

#[test]
fn bytes_after_the_arguments_are_shown_of_the_batch_and_of_a_call() {
    let env = TestEnv::new();
    let mark = alloy::hex!("deadbeef80218021802180218021802180218021");
    let balance = Token::balanceOfCall { account: holder(1) }.abi_encode();
    let marked = [&balance[..], &mark].concat();
    let batch = |data: &[u8]| {
        let target = Contracts::default().audio;
        let call = Multicall3::Call3 { target, allowFailure: true, callData: data.to_vec().into() };
        Multicall3::aggregate3Call { calls: vec![call] }.abi_encode()
    };
    let behind = [&batch(&balance)[..], &mark].concat();
    let words = format!("20 bytes after the arguments: {}", hex(&mark));
    for input in [&behind, &batch(&marked), &marked] {
        let run = env.run(&["decode-multicall", &hex(input)]);
        assert!(run.stdout().contains(&words), "{run:?}");
        let run = env.run(&["decode-multicall", &hex(input), "--json"]);
        assert!(run.stdout().contains(&format!("\"extra\": \"{}\"", hex(&mark))), "{run:?}");
    }
    // Zeros that fill the last word of an argument are no such bytes.
    let run = env.run(&["decode-multicall", &hex(&batch(&balance)), "--json"]);
    assert!(!run.stdout().contains("extra"), "{run:?}");
    // Where the filling is something else, it is shown.
    let mut dirty = batch(&balance);
    *dirty.last_mut().unwrap() = 7;
    let run = env.run(&["decode-multicall", &hex(&dirty)]);
    assert!(run.stdout().contains("28 bytes after the arguments: 0x0000"), "{run:?}");
}

#[test]
fn nothing_returned_means_no_contract_and_wrong_results_are_named_as_such() {
    let env = TestEnv::new();
    let input = hex(&mainnet_shaped(1));
    let run = env.run(&["decode-multicall", &input, "--returned", "0x"]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.stderr().contains("nothing was returned: there is no contract"), "{run:?}");
    let run = env.run(&["decode-multicall", &input, "--returned", "0x123"]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("the returned data has an odd number"), "{run:?}");
}

#[test]
fn errors_of_contracts_are_told_by_name() {
    let env = TestEnv::new();
    let failed = |data: Vec<u8>| Multicall3::Result { success: false, returnData: data.into() };
    let word = |number: u64| U256::from(number).abi_encode();
    let short = [&alloy::hex!("e450d38c")[..], &holder(3).abi_encode(), &word(5), &word(9)];
    let own = [&alloy::primitives::keccak256("Closed(uint256)")[..4], &word(77)];
    let panic = [&alloy::hex!("4e487b71")[..], &word(0x11)];
    let results = vec![failed(short.concat()), failed(own.concat()), failed(panic.concat())];
    env.write("r.hex", hex(&Multicall3::aggregate3Call::abi_encode_returns(&results)));
    let input = hex(&mainnet_shaped(1));
    let args =
        ["decode-multicall", &input, "--returned", "r.hex", "--sig", "error Closed(uint256)"];
    let run = env.run(&args);
    let known = format!("failed: ERC20InsufficientBalance({}, 5, 9)", holder(3));
    for words in [&known, "failed: Closed(77)", "failed: panic 0x11 (overflow)"] {
        assert!(run.stdout().contains(words), "{words}: {run:?}");
    }
    let run = env.run(&[&args[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(json["calls"][0]["result"]["error"]["name"], "ERC20InsufficientBalance");
}

#[test]
fn input_that_is_no_batch_is_refused_with_the_byte() {
    let env = TestEnv::new();
    let mut input = mainnet_shaped(3);
    input[4 + 30] = 0xff;
    let run = env.run(&["decode-multicall", &hex(&input)]);
    assert_eq!(run.code(), 6, "{run:?}");
    assert!(run.stderr().contains("the calldata cannot be read: byte 4: "), "{run:?}");
    let run = env.run(&["decode-multicall", "0x70a08231"]);
    assert_eq!(run.code(), 6, "{run:?}");
    let run = env.run(&["decode-multicall", "0xzz"]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert_eq!(env.run(&["decode-multicall"]).code(), 2);
}

#[test]
fn a_plain_call_is_read_and_functions_can_be_named() {
    let env = TestEnv::new();
    let plain = hex(&Token::balanceOfCall { account: holder(7) }.abi_encode());
    let run = env.run(&["decode-multicall", &plain]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.stdout().contains(&format!("balanceOf({})", holder(7))), "{run:?}");

    // withdraw(uint256), which nobody knows here.
    let own = format!("0x2e1a7d4d{:064x}", 77);
    let unknown = env.run(&["decode-multicall", &own]);
    assert!(unknown.stdout().contains("call 0: 0x2e1a7d4d\n     0: 0000"), "{unknown:?}");
    let json: Value =
        serde_json::from_str(&env.run(&["decode-multicall", &own, "--json"]).stdout()).unwrap();
    assert_eq!(json["data"], own);
    let named = env.run(&["decode-multicall", &own, "--sig", "withdraw(uint256 amount)"]);
    assert!(named.stdout().contains("withdraw(77)"), "{named:?}");
    let abi = r#"[{"type":"function","name":"withdraw","inputs":[{"type":"uint256","name":"x"}]}]"#;
    env.write("abi.json", abi);
    let named = env.run(&["decode-multicall", &own, "--abi", "abi.json"]);
    assert!(named.stdout().contains("withdraw(77)"), "{named:?}");
    let wrong = env.run(&["decode-multicall", &own, "--sig", "withdraw"]);
    assert_eq!(wrong.code(), 2, "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_read_from_a_node() {
    let anvil = Anvil::start().await;
    let data = Mocks::setModeCall { a: holder(1), m: 1 };
    let call = Multicall3::Call3 {
        target: anvil.contracts.audio,
        allowFailure: true,
        callData: data.abi_encode().into(),
    };
    let batch = Multicall3::aggregate3Call { calls: vec![call] };
    let hash = anvil.send(anvil.contracts.multicall, &batch).await;
    anvil.mine(1).await;
    let (env, url) = (TestEnv::new(), anvil.url());
    let decode = |hash: String| {
        let args = ["decode-multicall", "--tx", &hash, "--eth-http", &url];
        tokio::task::block_in_place(|| env.run(&args))
    };
    let run = decode(hash.to_string());
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.stdout().starts_with("aggregate3: 1 sub-calls"), "{run:?}");
    assert!(!run.stdout().contains("returned"), "{run:?}");
    let run = decode(format!("0x{}", "00".repeat(32)));
    assert_eq!(run.code(), 6, "{run:?}");
    assert!(run.stderr().contains("no node knows transaction"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_called_once_more_in_the_state_before_its_block() {
    let anvil = Anvil::start().await;
    let (audio, account) = (anvil.contracts.audio, holder(1));
    let call = |data: Vec<u8>| Multicall3::Call3 {
        target: audio,
        allowFailure: true,
        callData: data.into(),
    };
    anvil.set_balance(account, 7).await;
    anvil.mine(1).await;
    let batch = Multicall3::aggregate3Call {
        calls: vec![
            call(Token::balanceOfCall { account }.abi_encode()),
            call(vec![0xde, 0xad, 0xbe, 0xef]),
        ],
    };
    let hash = anvil.send(anvil.contracts.multicall, &batch).await.to_string();
    anvil.mine(1).await;
    // What came later is not in that state.
    anvil.set_balance(account, 70).await;
    anvil.mine(1).await;
    let (env, url) = (TestEnv::new(), anvil.url());
    let args = ["decode-multicall", "--tx", &hash, "--replay", "--json", "--eth-http", &url];
    let run = tokio::task::block_in_place(|| env.run(&args));
    assert_eq!(run.code(), 0, "{run:?}");
    let decoded: Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(decoded["calls"][0]["result"]["values"], serde_json::json!(["7"]), "{decoded}");
    assert_eq!(decoded["calls"][1]["result"]["success"], false, "{decoded}");
}
