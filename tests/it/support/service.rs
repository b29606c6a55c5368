//! The built binary as a service: running in the background, asked over HTTP, and ended politely.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::TestEnv;

/// How long anything that must happen may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running `audius-etl`, and the folder it runs in.
pub(crate) struct Service {
    child: Child,
    log: Arc<Mutex<String>>,
    pub(crate) env: TestEnv,
    pub(crate) address: String,
}

impl Service {
    /// Starts the binary with metrics on a port of its own, and waits until it serves them.
    pub(crate) async fn start(env: TestEnv, args: &[&str]) -> Self {
        let args = [args, &["--metrics-addr", "127.0.0.1:0"]].concat();
        let mut child = env
            .command(&args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let seen = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = seen.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut service = Self { child, log, env, address: String::new() };
        service.address = service
            .until("the address of the metrics", |service| {
                let log = service.log();
                let start = log.find("metrics: http://")? + "metrics: http://".len();
                log[start..].split_once("/metrics").map(|(address, _)| address.to_owned())
            })
            .await;
        service
    }

    /// What it wrote to stderr so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Status and body of a path.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}{path}", self.address)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.log()));
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Status and JSON of a path.
    pub(crate) async fn json(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.get(path).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("no JSON: {body}")))
    }

    /// The value of a metric with these labels, written as in the text format.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        Some(line.parse().unwrap())
    }

    /// Waits until `path` answers with `status`; returns that answer.
    pub(crate) async fn until_status(&self, path: &str, status: u16) -> Value {
        let begun = Instant::now();
        loop {
            let (found, body) = self.json(path).await;
            if found == status {
                return body;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} stays {found}: {body}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "no {what}:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks it to end, as a service manager does, and returns its exit code.
    pub(crate) async fn stop(mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").arg(pid).status().unwrap().success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A service that was stopped is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
