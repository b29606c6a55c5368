//! A real Ethereum node for tests: anvil, with the contracts of `fixtures/ethereum` on it.
//!
//! The program is the one of the npm package `@foundry-rs/anvil`, which `scripts/setup tests` puts
//! into the target folder; one in `PATH` does too. Blocks are only mined when a test says so.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U256, address, keccak256};
use alloy::sol;
use alloy::sol_types::{SolCall, SolValue};
use audius_etl::eth::{Contracts, EthConfig, Provider};
use serde_json::{Value, json};

sol! {
    contract Mocks {
        function mint(address to, uint256 v) external;
        function approve(address s, uint256 v) external returns (bool);
        function transfer(address to, uint256 v) external returns (bool);
        function batch(address[] calldata f, address[] calldata to, uint256 v) external;
        function churn(uint160 base, uint256 holders, uint256 n, uint256 seed, uint256 v) external;
        function setMode(address a, uint8 m) external;
        function setBroken(address a, bool b) external;
        function setManager(address m) external;
        function stake(uint256 v) external;
        function unstake(uint256 v) external;
        function delegateStake(address sp, uint256 v) external;
        function undelegateStake(address sp, uint256 v) external;
        function claimRewards(address sp, uint256 rewards) external;
        function slash(address sp, uint256 v) external;
    }
}

/// The chain id of anvil.
pub(crate) const CHAIN_ID: u64 = 31_337;

/// Gas for every transaction: no estimate, no surprise.
const GAS: &str = "0x2faf080";

/// A running node. Dropped, it is gone.
pub(crate) struct Anvil {
    child: Child,
    port: u16,
    client: reqwest::Client,
    pub(crate) contracts: Contracts,
    /// Deployer of the contracts, owner of the token.
    pub(crate) owner: Address,
}

impl Anvil {
    /// Starts a node and puts the contracts on it.
    pub(crate) async fn start() -> Self {
        Self::start_with(&["--gas-limit", "1000000000", "--no-request-size-limit"]).await
    }

    /// Starts a node with these options beside the usual ones.
    pub(crate) async fn start_with(options: &[&str]) -> Self {
        let mut anvil = Self::spawn(options);
        anvil.wait().await;
        anvil.deploy().await;
        anvil
    }

    fn spawn(options: &[&str]) -> Self {
        // Free now; that somebody else takes it before anvil does is a risk worth taking.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program())
            .args(["--port", &port.to_string(), "--no-mining", "--quiet"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            port,
            client: reqwest::Client::new(),
            contracts: Contracts::default(),
            owner: address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        }
    }

    async fn wait(&self) {
        for _ in 0..400 {
            if self.try_rpc("eth_chainId", &json!([])).await.is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("anvil does not answer");
    }

    async fn deploy(&mut self) {
        let path = super::root().join("fixtures/ethereum/contracts.json");
        let code: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let created =
            |name: &str| -> Vec<u8> { alloy::hex::decode(code[name].as_str().unwrap()).unwrap() };
        let multicall = self.contracts.multicall;
        self.rpc("anvil_setCode", json!([multicall, code["multicall_runtime"]])).await;
        let audio = self.create(created("audio")).await;
        let staking = self.create([created("staking"), audio.abi_encode()].concat()).await;
        let arguments = (audio, staking).abi_encode();
        let manager = self.create([created("delegate_manager"), arguments].concat()).await;
        self.contracts = Contracts { audio, staking, delegate_manager: manager, multicall };
        self.send(staking, &Mocks::setManagerCall { m: manager }).await;
        self.mine(1).await;
    }

    async fn create(&self, code: Vec<u8>) -> Address {
        let transaction = json!({"from": self.owner, "data": Bytes::from(code), "gas": GAS});
        let hash = self.rpc("eth_sendTransaction", json!([transaction])).await;
        self.mine(1).await;
        let receipt = self.rpc("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        receipt["contractAddress"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// How to ask this node, at `url` or straight.
    pub(crate) fn config(&self, url: Option<&str>) -> EthConfig {
        let mut config = EthConfig::new([url.map_or_else(|| self.url(), str::to_owned)]);
        config.chain_id = Some(CHAIN_ID);
        config.contracts = self.contracts;
        config
    }

    /// The options of the command line for this node, at `url` or straight.
    pub(crate) fn options(&self, url: Option<&str>) -> Vec<String> {
        let contracts = self.contracts;
        [
            ("--eth-http", url.map_or_else(|| self.url(), str::to_owned)),
            ("--eth-chain-id", CHAIN_ID.to_string()),
            ("--eth-audio-contract", contracts.audio.to_string()),
            ("--eth-staking-contract", contracts.staking.to_string()),
            ("--eth-delegate-manager-contract", contracts.delegate_manager.to_string()),
        ]
        .into_iter()
        .flat_map(|(option, value)| [option.to_owned(), value])
        .collect()
    }

    pub(crate) async fn provider(&self) -> Provider {
        Provider::connect(self.config(None)).await.unwrap()
    }

    /// Calls a method; an error fails the test.
    pub(crate) async fn rpc(&self, method: &str, params: Value) -> Value {
        let answer = self.try_rpc(method, &params).await.unwrap();
        assert!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    /// The whole answer to a call; `None` if there is none.
    pub(crate) async fn try_rpc(&self, method: &str, params: &Value) -> Option<Value> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let sent = self.client.post(self.url()).body(body.to_string());
        let sent = sent.header("content-type", "application/json").send().await.ok()?;
        serde_json::from_str(&sent.text().await.ok()?).ok()
    }

    /// Mines blocks with what was sent, all of it in the first.
    pub(crate) async fn mine(&self, blocks: u64) {
        self.rpc("anvil_mine", json!([format!("{blocks:#x}")])).await;
    }

    pub(crate) async fn head(&self) -> u64 {
        let number = self.rpc("eth_blockNumber", json!([])).await;
        u64::from_str_radix(number.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }

    pub(crate) async fn hash_at(&self, number: u64) -> B256 {
        let block = self.rpc("eth_getBlockByNumber", json!([format!("{number:#x}"), false])).await;
        block["hash"].as_str().unwrap().parse().unwrap()
    }

    /// Sends a transaction of the owner; the next block mined holds it.
    pub(crate) async fn send(&self, to: Address, call: &impl SolCall) -> B256 {
        self.send_from(self.owner, to, call).await
    }

    /// Sends a transaction of an account that this node knows or that it is told to play.
    pub(crate) async fn send_from(&self, from: Address, to: Address, call: &impl SolCall) -> B256 {
        let data = Bytes::from(call.abi_encode());
        let transaction = json!({"from": from, "to": to, "data": data, "gas": GAS});
        let hash = self.rpc("eth_sendTransaction", json!([transaction])).await;
        hash.as_str().unwrap().parse().unwrap()
    }

    /// Lets transactions be sent from `account`, and gives it something to pay with.
    pub(crate) async fn play(&self, account: Address) {
        self.rpc("anvil_impersonateAccount", json!([account])).await;
        self.rpc("anvil_setBalance", json!([account, "0x56bc75e2d63100000"])).await;
    }

    /// Sends a mint of tokens.
    pub(crate) async fn mint(&self, to: Address, amount: u64) {
        let call = Mocks::mintCall { to, v: U256::from(amount) };
        self.send(self.contracts.audio, &call).await;
    }

    /// Writes a token balance into the state, without any log: for many holders at once.
    pub(crate) async fn set_balance(&self, holder: Address, amount: u64) {
        // Mapping `balances` of the token is in slot 1.
        let slot = keccak256((holder, U256::from(1)).abi_encode());
        let word = B256::from(U256::from(amount));
        self.rpc("anvil_setStorageAt", json!([self.contracts.audio, slot, word])).await;
    }

    /// Makes `balanceOf` of one holder fail: 1 reverts, 2 returns nothing, 3 returns 16 bytes, 4
    /// returns 64.
    pub(crate) async fn set_mode(&self, holder: Address, mode: u8) {
        let call = Mocks::setModeCall { a: holder, m: mode };
        self.send(self.contracts.audio, &call).await;
    }

    /// Replaces the last `depth` blocks by as many others without transactions.
    pub(crate) async fn reorg(&self, depth: u64) {
        self.rpc("anvil_reorg", json!([depth, []])).await;
    }

    /// Takes the last `depth` blocks away.
    pub(crate) async fn rollback(&self, depth: u64) {
        self.rpc("anvil_rollback", json!([depth])).await;
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // Gone already is as good.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A holder by number, the same in every test.
pub(crate) fn holder(number: u64) -> Address {
    let base = address!("a000000000000000000000000000000000000000");
    Address::from_word(B256::from(U256::from_be_bytes(base.into_word().0) + U256::from(number)))
}

/// A holder as the database has it.
pub(crate) fn wallet(number: u64) -> String {
    format!("{:#x}", holder(number))
}

/// Where the program is.
fn program() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let package = target.parent().unwrap().join("anvil/node_modules/@foundry-rs/anvil-*/bin/anvil");
    let mut found = glob::glob(package.to_str().unwrap()).unwrap();
    let in_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("anvil")).find(|file| file.is_file())
    };
    found
        .next()
        .map(Result::unwrap)
        .or_else(in_path)
        .expect("there is no anvil: run scripts/setup tests")
}
