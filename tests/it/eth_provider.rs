//! Asking real nodes through a proxy that breaks things: failover, limits, logs, balances, heads.

use std::time::Duration;

use alloy::primitives::{Address, B256, U256};
use audius_etl::eth::{Balance, BlockRef, Class, EthConfig, LogFilter, Provider, Unknown, Wei};
use serde_json::{Value, json};

use crate::support::anvil::{Anvil, Mocks, holder};
use crate::support::fault_proxy::{Dialect, FaultProxy, Socket, Verdict};

/// Asks with short pauses, so that tests of failures don't take long.
fn quick(mut config: EthConfig) -> EthConfig {
    config.retry.first = Duration::from_millis(10);
    config.retry.soon = Duration::from_millis(50);
    config.retry.late = Duration::from_millis(50);
    config.retry.limit = 6;
    config.deadline = Duration::from_secs(5);
    config
}

async fn head(provider: &Provider) -> BlockRef {
    provider.head().await.unwrap().block()
}

/// A node with a mint to a holder of its own in each of `blocks` blocks.
async fn with_mints(blocks: u64) -> Anvil {
    let anvil = Anvil::start().await;
    for number in 0..blocks {
        anvil.mint(holder(number), 100 + number).await;
        anvil.mine(1).await;
    }
    anvil
}

/// Reads all logs of a range, page by page; returns the number of logs.
async fn all_logs(
    provider: &Provider,
    from: u64,
    to: u64,
) -> Result<usize, audius_etl::eth::Error> {
    let filter = LogFilter::balances(provider.contracts());
    let (mut next, mut count) = (from, 0);
    while next <= to {
        let page = provider.logs(&filter, next, to).await?.unwrap();
        count += page.logs.len();
        next = page.end.number + 1;
    }
    Ok(count)
}

#[tokio::test(flavor = "multi_thread")]
async fn balances_are_the_sum_of_token_stake_and_delegated_stake() {
    let anvil = Anvil::start().await;
    let (contracts, one) = (anvil.contracts, holder(1));
    anvil.play(one).await;
    anvil.mint(one, 1_000).await;
    anvil.mint(holder(2), 7).await;
    anvil.mine(1).await;
    let everything = U256::MAX;
    anvil
        .send_from(
            one,
            contracts.audio,
            &Mocks::approveCall { s: contracts.staking, v: everything },
        )
        .await;
    anvil.mine(1).await;
    anvil.send_from(one, contracts.staking, &Mocks::stakeCall { v: U256::from(300) }).await;
    anvil.mine(1).await;
    let sp = anvil.owner;
    let delegate = Mocks::delegateStakeCall { sp, v: U256::from(200) };
    anvil.send_from(one, contracts.delegate_manager, &delegate).await;
    anvil.mine(1).await;
    let provider = anvil.provider().await;
    let at = head(&provider).await;
    let read = provider.balances(&[one, holder(2), holder(3), sp], at).await.unwrap();
    // The 200 count for the delegator and for the service provider.
    let wanted = [1_000_u64, 7, 0, 200].map(|wei| Balance::Known(Wei::from(wei)));
    assert_eq!(read, wanted);
    let delegators = provider.delegators(&[sp, holder(9)], at).await.unwrap();
    assert_eq!(delegators, [Ok(vec![one]), Ok(vec![])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_chunks_are_read_at_the_same_block_whatever_happens_meanwhile() {
    let anvil = with_mints(3).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let mut config = quick(anvil.config(Some(&proxy.url())));
    config.chunk = 1;
    let provider = Provider::connect(config).await.unwrap();
    let at = head(&provider).await;
    anvil.mint(holder(0), 1_000_000).await;
    anvil.mine(1).await;
    let holders: Vec<Address> = (0..3).map(holder).collect();
    let read = provider.balances(&holders, at).await.unwrap();
    assert_eq!(read, [100_u64, 101, 102].map(|wei| Balance::Known(Wei::from(wei))));
    assert_eq!(proxy.count("eth_call"), 3);
    let pins: Vec<Value> = proxy
        .state()
        .calls
        .iter()
        .filter(|call| call.method == "eth_call")
        .map(|call| call.params[1].clone())
        .collect();
    assert!(pins.iter().all(|pin| *pin == json!({"blockHash": at.hash, "requireCanonical": true})));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphaned_block_is_reported_as_missing() {
    let anvil = with_mints(4).await;
    let provider = anvil.provider().await;
    let at = head(&provider).await;
    anvil.reorg(2).await;
    let error = provider.balances(&[holder(1)], at).await.unwrap_err();
    assert!(error.is_missing(), "{error:?}");
    assert_eq!(provider.header_of(B256::repeat_byte(7)).await.unwrap(), None);
    assert_eq!(provider.header_at(1_000_000).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_wallet_is_unknown_and_its_neighbours_are_known() {
    let anvil = with_mints(6).await;
    for (number, mode) in [(1, 1), (2, 2), (3, 3), (4, 4)] {
        anvil.set_mode(holder(number), mode).await;
    }
    let staking = Mocks::setBrokenCall { a: holder(5), b: true };
    anvil.send(anvil.contracts.staking, &staking).await;
    anvil.mine(1).await;
    let provider = anvil.provider().await;
    let holders: Vec<Address> = (0..6).map(holder).collect();
    let read = provider.balances(&holders, head(&provider).await).await.unwrap();
    assert_eq!(read[0], Balance::Known(Wei::from(100)));
    let failed = |call, reason: &str| Unknown::Failed { call, reason: reason.to_owned() };
    let call = "balanceOf";
    assert_eq!(read[1], Balance::Unknown(failed(call, "revert: broken")));
    assert_eq!(read[2], Balance::Unknown(Unknown::Short { call, bytes: 0 }));
    assert_eq!(read[3], Balance::Unknown(Unknown::Short { call, bytes: 16 }));
    assert_eq!(read[4], Balance::Known(Wei::from(7)));
    let staked = failed("totalStakedFor", "revert: staking: broken");
    assert_eq!(read[5], Balance::Unknown(staked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_too_large_is_halved_and_the_size_remembered() {
    let anvil = with_mints(8).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    proxy.judge(|call| match call.sub_calls() {
        Some(calls) if calls > 2 * 3 + 1 => Verdict::error(-32_603, "EVM error OutOfGas"),
        _ => Verdict::Pass,
    });
    let holders: Vec<Address> = (0..8).map(holder).collect();
    let at = head(&provider).await;
    let wanted: Vec<_> = (100..108_u64).map(|wei| Balance::Known(Wei::from(wei))).collect();
    assert_eq!(provider.balances(&holders, at).await.unwrap(), wanted);
    let first = proxy.count("eth_call");
    assert_eq!(first, 1 + 2 + 4);
    assert_eq!(provider.balances(&holders, at).await.unwrap(), wanted);
    assert_eq!(proxy.count("eth_call") - first, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_no_chunk_survives_is_found_and_alone_unknown() {
    let anvil = with_mints(8).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    let culprit = format!("{:x}", holder(5));
    proxy.judge(move |call| {
        let data = call.params[0]["data"].as_str().unwrap_or_default();
        if data.contains(&culprit) {
            return Verdict::error(-32_000, "execution timeout");
        }
        Verdict::Pass
    });
    let holders: Vec<Address> = (0..8).map(holder).collect();
    let read = provider.balances(&holders, head(&provider).await).await;
    // A timeout could be the node's own: after two halvings it counts as that.
    assert!(read.unwrap_err().is_retryable());
    let culprit = format!("{:x}", holder(5));
    proxy.judge(move |call| {
        let data = call.params[0]["data"].as_str().unwrap_or_default();
        if data.contains(&culprit) { Verdict::error(-32_000, "out of gas") } else { Verdict::Pass }
    });
    let read = provider.balances(&holders, head(&provider).await).await.unwrap();
    for (number, balance) in read.iter().enumerate() {
        assert_eq!(balance.known().is_none(), number == 5, "{number}: {balance:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_gas_runs_out_inside_a_chunk_nobody_is_taken_for_poor() {
    let anvil = Anvil::start().await;
    for number in 0..60 {
        anvil.set_balance(holder(number), 1_000 + number).await;
    }
    // A call gets the gas of a block: too little for sixty holders, enough for ten.
    anvil.rpc("evm_setBlockGasLimit", json!(["0x7a120"])).await;
    anvil.mine(1).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    let at = head(&provider).await;
    let holders: Vec<Address> = (0..60).map(holder).collect();
    let read = provider.balances(&holders, at).await.unwrap();
    let wanted: Vec<_> = (1_000..1_060_u64).map(|wei| Balance::Known(Wei::from(wei))).collect();
    assert_eq!(read, wanted);
    assert!(proxy.count("eth_call") > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dialect_of_range_limits_is_served_and_no_range_asked_for_twice() {
    let anvil = with_mints(2).await;
    anvil.mine(500).await;
    for number in 2..30 {
        anvil.mint(holder(number), 1).await;
        anvil.mine(1).await;
    }
    let to = anvil.head().await;
    let proxy = FaultProxy::start(anvil.port()).await;
    for dialect in Dialect::ALL {
        for limit in [1, 7, 100] {
            let provider =
                Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
            proxy.forget();
            proxy.judge(dialect.limit(limit));
            assert_eq!(all_logs(&provider, 1, to).await.unwrap(), 30, "{dialect:?} {limit}");
            let mut ranges = proxy.ranges();
            let asked = ranges.len();
            ranges.sort_unstable();
            ranges.dedup();
            assert_eq!(asked, ranges.len(), "{dialect:?} {limit}: a range was asked for twice");
            proxy.heal();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_never_go_past_the_head_of_the_node_that_answered() {
    let anvil = with_mints(10).await;
    let to = anvil.head().await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    let filter = LogFilter::balances(provider.contracts());
    proxy.state().lag = 3;
    let page = provider.logs(&filter, 1, to).await.unwrap().unwrap();
    assert_eq!(page.end.number, to - 3);
    assert_eq!(page.logs.len(), 7);
    assert_eq!(provider.logs(&filter, to - 1, to).await.unwrap(), None);
    proxy.heal();
    let rest = provider.logs(&filter, to - 2, to).await.unwrap().unwrap();
    assert_eq!((rest.end.number, rest.logs.len()), (to, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_batches_is_asked_one_call_at_a_time() {
    let anvil = with_mints(5).await;
    let to = anvil.head().await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    proxy.once("eth_getLogs", Verdict::error(-32_601, "method not supported in batches"));
    assert_eq!(all_logs(&provider, 1, to).await.unwrap(), 5);
    assert_eq!(proxy.count("eth_getLogs"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_endpoint_takes_over_only_while_the_one_before_fails() {
    let anvil = with_mints(2).await;
    let (first, second) =
        (FaultProxy::start(anvil.port()).await, FaultProxy::start(anvil.port()).await);
    let mut config = quick(anvil.config(Some(&first.url())));
    config.http.push(second.url());
    let provider = Provider::connect(config).await.unwrap();
    second.forget();
    for _ in 0..5 {
        provider.head().await.unwrap();
    }
    assert_eq!(second.state().calls.len(), 0);
    let faults = [
        Verdict::Http(500, vec![], "oops".to_owned()),
        Verdict::Http(429, vec![("retry-after", "1".to_owned())], String::new()),
        Verdict::Reset,
        Verdict::Garbage,
        Verdict::error(-32_000, "header not found"),
        Verdict::error(-1, "the moon is full"),
    ];
    for fault in faults {
        second.forget();
        let text = format!("{fault:?}");
        first.judge(move |_| fault.clone());
        provider.head().await.unwrap();
        assert_eq!(second.count("eth_getBlockByNumber"), 1, "{text}");
        first.heal();
        first.forget();
        // It is asked again once its pause is over.
        for _ in 0..200 {
            provider.head().await.unwrap();
            if first.count("eth_getBlockByNumber") > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(first.count("eth_getBlockByNumber"), 1, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_kept() {
    let anvil = with_mints(1).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    let wait = vec![("retry-after", "1".to_owned())];
    proxy.once("eth_getBlockByNumber", Verdict::Http(429, wait, String::new()));
    let begun = tokio::time::Instant::now();
    provider.head().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_is_given_up_after_the_deadline() {
    let anvil = with_mints(1).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let mut config = quick(anvil.config(Some(&proxy.url())));
    config.deadline = Duration::from_millis(200);
    config.retry.limit = 2;
    let provider = Provider::connect(config).await.unwrap();
    proxy.judge(|_| Verdict::Hang);
    let error = provider.head().await.unwrap_err();
    assert_eq!(error.class(), Some(Class::Timeout), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chain_and_a_missing_contract_are_refused_at_the_start() {
    let anvil = Anvil::start().await;
    let mut config = anvil.config(None);
    config.chain_id = Some(1);
    let error = Provider::connect(config).await.unwrap_err();
    assert!(error.to_string().contains("serves chain 31337, expected 1"), "{error}");
    let mut config = anvil.config(None);
    config.contracts.multicall = holder(1);
    let error = Provider::connect(config).await.unwrap_err();
    assert!(error.to_string().contains("contract Multicall3 should be"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_error_shows_a_key() {
    let mut config = quick(EthConfig::new([
        "http://user:s3cret@127.0.0.1:9/v2/s3cretKey0s3cretKey0?key=s3cret",
    ]));
    config.retry.limit = 2;
    let error = Provider::connect(config).await.unwrap_err();
    let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
    assert!(shown.contains("127.0.0.1:9"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_head_wakes_up_and_a_silent_websocket_is_replaced() {
    let anvil = Anvil::start().await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let mut config = quick(anvil.config(Some(&proxy.url())));
    config.ws = Some(proxy.ws_url());
    config.head_timeout = Duration::from_millis(500);
    let provider = Provider::connect(config).await.unwrap();
    let mut heads = provider.subscribe_heads().unwrap();
    let patience = Duration::from_secs(10);
    while !heads.latest().connected {
        heads.next(patience).await;
    }
    anvil.mine(1).await;
    let number = anvil.head().await;
    while heads.latest().head.map(|head| head.number) != Some(number) {
        heads.next(patience).await;
    }
    proxy.state().socket = Socket::Silent;
    let before = proxy.state().sockets;
    while heads.latest().reconnects == 0 {
        heads.next(patience).await;
    }
    proxy.heal();
    while proxy.state().sockets == before {
        heads.next(Duration::from_millis(50)).await;
    }
    let received = heads.latest().received;
    while heads.latest().received == received {
        anvil.mine(1).await;
        heads.next(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_websocket_does_to_its_messages_a_wake_up_comes() {
    let anvil = Anvil::start().await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let mut config = quick(anvil.config(Some(&proxy.url())));
    config.ws = Some(proxy.ws_url());
    let provider = Provider::connect(config).await.unwrap();
    let mut heads = provider.subscribe_heads().unwrap();
    while !heads.latest().connected {
        heads.next(Duration::from_secs(10)).await;
    }
    for mode in [Socket::Twice, Socket::Swapped, Socket::Lossy, Socket::Closed, Socket::Pass] {
        proxy.state().socket = mode;
        let received = heads.latest().received;
        for _ in 0..20 {
            anvil.mine(1).await;
            if heads.next(Duration::from_millis(20)).await.received > received {
                break;
            }
        }
        let woken = heads.latest().received > received;
        if mode != Socket::Pass {
            assert_eq!(woken, mode != Socket::Closed, "{mode:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_was_rolled_back_is_gone() {
    let anvil = with_mints(4).await;
    let provider = anvil.provider().await;
    let gone = head(&provider).await;
    assert_eq!(gone.hash, anvil.hash_at(gone.number).await);
    anvil.rollback(2).await;
    assert_eq!(head(&provider).await.number, gone.number - 2);
    assert_eq!(provider.header_of(gone.hash).await.unwrap(), None);
    assert!(provider.balances(&[holder(1)], gone).await.unwrap_err().is_missing());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_one_to_the_call_is_asked_for_again() {
    let anvil = with_mints(1).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    let at = head(&provider).await;
    for odd in [json!("0x"), json!("0x00ff"), json!(7), Value::Null] {
        proxy.once("eth_call", Verdict::Result(odd));
        let read = provider.balances(&[holder(0)], at).await.unwrap();
        assert_eq!(read, [Balance::Known(Wei::from(100))]);
    }
    // The node ignores the pin and answers for its head.
    anvil.mint(holder(0), 1).await;
    anvil.mine(1).await;
    let wrong = head(&provider).await;
    let call = proxy.state().calls.iter().rev().find(|call| call.method == "eth_call").cloned();
    let mut params = call.unwrap().params;
    params[1] = json!("latest");
    let answer = anvil.rpc("eth_call", params).await;
    assert_ne!(wrong, at);
    proxy.once("eth_call", Verdict::Result(answer));
    let read = provider.balances(&[holder(0)], at).await.unwrap();
    assert_eq!(read, [Balance::Known(Wei::from(100))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_refuses_the_smallest_call_too_is_given_up() {
    let anvil = with_mints(2).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    let cap = "transaction gas limit (50000000) is greater than the cap (16777216)";
    proxy.judge(move |call| match call.method.as_str() {
        "eth_call" => Verdict::error(-32_003, cap),
        _ => Verdict::Pass,
    });
    let at = head(&provider).await;
    let error = provider.balances(&[holder(0), holder(1)], at).await.unwrap_err();
    assert_eq!(error.class(), Some(Class::TooMuchGas), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_no_block_hash_is_asked_by_number_between_two_looks_at_the_block() {
    let anvil = with_mints(2).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    let refusal = "invalid argument 1: json: cannot unmarshal object into Go value of type string";
    proxy.judge(move |call| match call.method.as_str() {
        "eth_call" if call.params[1].is_object() => Verdict::error(-32_602, refusal),
        _ => Verdict::Pass,
    });
    let at = head(&provider).await;
    let wanted = [100_u64, 101].map(|wei| Balance::Known(Wei::from(wei)));
    let holders = [holder(0), holder(1)];
    assert_eq!(provider.balances(&holders, at).await.unwrap(), wanted);
    // Another block at this height is not this one.
    let other = BlockRef { hash: B256::repeat_byte(7), ..at };
    assert!(provider.balances(&holders, other).await.unwrap_err().is_missing());
    assert_eq!(proxy.count("eth_call"), 1 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_come_in_odd_forms() {
    let anvil = with_mints(1).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    for (body, class) in [
        (r#"{"code":-32005,"message":"Too Many Requests"}"#, Class::Rate),
        (r#"{"jsonrpc":"2.0","id":1,"error":"rate limited"}"#, Class::Rate),
        (
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":"-32005","message":"Too Many Requests"}}"#,
            Class::Rate,
        ),
        ("Too many requests, slow down", Class::Rate),
        (r#"{"jsonrpc":"2.0","id":1}"#, Class::Transient),
    ] {
        proxy.judge(move |_| Verdict::Http(200, Vec::new(), body.to_owned()));
        let error = provider.head().await.unwrap_err();
        assert_eq!(error.class(), Some(class), "{body}: {error:?}");
        proxy.heal();
        assert!(provider.head().await.is_ok(), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_refused_in_any_words_is_sent_one_by_one() {
    let anvil = with_mints(3).await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let provider = Provider::connect(quick(anvil.config(Some(&proxy.url())))).await.unwrap();
    let refusal =
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32007,"message":"not like this"}}"#;
    proxy.judge(move |call| match call.is_batched {
        true => Verdict::Http(200, Vec::new(), refusal.to_owned()),
        false => Verdict::Pass,
    });
    let last = head(&provider).await.number;
    assert_eq!(all_logs(&provider, 0, last).await.unwrap(), 3);
}
