//! The dashboard and the alert rules against a real Prometheus that scrapes a running indexer: every
//! panel's expression returns data, every rule can be evaluated, and every metric they name exists.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::anvil::Anvil;
use crate::support::blocks::mixed_block;
use crate::support::db::TestDb;
use crate::support::fake_node::{FakeNode, Habit};
use crate::support::fault_proxy::{FaultProxy, Verdict};
use crate::support::service::{PATIENCE, Service};
use crate::support::{TestEnv, root};

/// A Prometheus that scrapes four times a second. Dropped, it is gone.
struct Prometheus {
    child: Child,
    port: u16,
    _folder: TestEnv,
}

impl Prometheus {
    fn start(targets: &[String]) -> Self {
        let folder = TestEnv::new();
        let rules = root().join("scripts/monitoring/alerts.yml");
        let targets: Vec<String> = targets.iter().map(|target| format!("'{target}'")).collect();
        let config = format!(
            "global: {{scrape_interval: 250ms, evaluation_interval: 250ms, scrape_timeout: 250ms}}\n\
             rule_files: ['{}']\n\
             scrape_configs:\n  - job_name: audius-etl\n    static_configs: [{{targets: [{}]}}]\n",
            rules.display(),
            targets.join(", ")
        );
        folder.write("prometheus.yml", config);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("prometheus")
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus is installed; scripts/setup tests does it");
        Self { child, port, _folder: folder }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let mut url =
            reqwest::Url::parse(&format!("http://127.0.0.1:{}/api/v1/{path}", self.port)).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        let text = reqwest::get(url).await.ok()?.text().await.ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The samples that an expression has now.
    async fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.get("query", &[("query", expression)]).await.unwrap_or_default();
        assert_ne!(answer["status"], "error", "{expression}: {answer}");
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until an expression has samples.
    async fn until(&self, expression: &str) {
        let begun = Instant::now();
        while self.query(expression).await.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "no data: {expression}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn dashboard() -> Value {
    let text = std::fs::read(root().join("scripts/monitoring/grafana.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The expressions of all panels with their titles, the dashboard's variables filled in.
fn panel_expressions() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels
        .flat_map(|panel| {
            let title = panel["title"].as_str().unwrap().to_owned();
            let targets = panel["targets"].as_array().cloned().unwrap_or_default();
            targets.into_iter().map(move |target| {
                let expression = target["expr"].as_str().unwrap();
                let expression = expression.replace("$__rate_interval", "1m");
                (title.clone(), expression.replace("$instance", ".*"))
            })
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_has_data_and_every_rule_can_be_evaluated() {
    let (database, node) = (TestDb::new().await, FakeNode::start((1..=5).map(mixed_block)));
    node.state().next_calls = vec![Habit::Fails(tonic::Code::Unavailable); 2];
    database
        .execute("INSERT INTO eth_wallet_balances (wallet, updated_at) VALUES ('0xaa', 'epoch')")
        .await;
    let anvil = Anvil::start().await;
    let proxy = FaultProxy::start(anvil.port()).await;
    let mut refused = false;
    proxy.judge(move |_| {
        let first = !std::mem::replace(&mut refused, true);
        if first { Verdict::Http(503, Vec::new(), "busy".to_owned()) } else { Verdict::Pass }
    });
    let mut args =
        vec!["index".to_owned(), "--era=discovery".to_owned(), format!("--db={}", database.url())];
    args.extend([format!("--source={}", node.url), "--stall-fetch=2".to_owned()]);
    args.extend(anvil.options(Some(&proxy.url())));
    args.push(format!("--eth-ws={}", proxy.ws_url()));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let service = Service::start(TestEnv::new(), &args).await;
    service.until_status("/ready", 200).await;
    // A websocket tells of its state with the first head that it brings.
    let begun = Instant::now();
    while service.metric("audius_etl_websocket_headers_total").await.unwrap_or(0.0) == 0.0 {
        assert!(begun.elapsed() < PATIENCE, "no header over the websocket:\n{}", service.log());
        anvil.mine(1).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let prometheus = Prometheus::start(std::slice::from_ref(&service.address));
    // Rates need something that rises.
    for height in 6..=8 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        node.state().push(mixed_block(height));
    }
    let expressions = panel_expressions();
    assert!(expressions.len() >= 40, "{} expressions", expressions.len());
    for (title, expression) in &expressions {
        let begun = Instant::now();
        while prometheus.query(expression).await.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "panel {title:?} has no data: {expression}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    every_rule_works(&prometheus).await;
    every_name_exists(&prometheus, &expressions).await;

    node.state().habit = Habit::Fails(tonic::Code::Unavailable);
    prometheus.until("audius_etl_stalled_seconds > audius_etl_stall_limit_seconds").await;
    prometheus.until("ALERTS{alertname=\"AudiusEtlStalled\"}").await;
}

async fn every_rule_works(prometheus: &Prometheus) {
    prometheus.until("ALERTS_FOR_STATE or vector(1)").await;
    let begun = Instant::now();
    loop {
        let answer = prometheus.get("rules", &[]).await.unwrap_or_default();
        let rules: Vec<Value> =
            answer["data"]["groups"][0]["rules"].as_array().cloned().unwrap_or_default();
        let fine = rules.iter().all(|rule| rule["health"] == "ok");
        if rules.len() >= 9 && fine {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{answer}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A misspelt metric in a rule would never fire.
async fn every_name_exists(prometheus: &Prometheus, expressions: &[(String, String)]) {
    let answer = prometheus.get("label/__name__/values", &[]).await.unwrap();
    let known: BTreeSet<&str> =
        answer["data"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let rules = std::fs::read_to_string(root().join("scripts/monitoring/alerts.yml")).unwrap();
    let used = rules.lines().filter(|line| line.trim_start().starts_with("expr:"));
    let used = used.chain(expressions.iter().map(|(_, expression)| expression.as_str()));
    let name = regex::Regex::new(r"\b(audius_etl_\w+|process_\w+)").unwrap();
    for line in used {
        for found in name.find_iter(line) {
            assert!(known.contains(found.as_str()), "no such metric: {}", found.as_str());
        }
    }
}
