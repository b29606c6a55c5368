//! `/metrics`, `/health` and `/ready` over HTTP.

use std::net::SocketAddr;
use std::{fmt, io};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::connections::Limited;
use super::{Telemetry, exposition};

/// What `/` answers, for those who only know the port.
const INDEX: &str = "audius-etl\n\n/metrics  for Prometheus\n/health   200, or 503 with the stage \
    that is stalled\n/ready    200 once caught up, else 503 with the reasons\n";

/// A running server. Dropped, it is gone.
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens, with the port that port 0 came to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts to listen on `address`.
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve(address: SocketAddr, telemetry: Telemetry) -> io::Result<Server> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/", get(|| async { INDEX }))
        .route("/metrics", get(metrics))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .with_state(telemetry);
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(Limited::new(listener), router).await {
            tracing::error!(%error, "metrics and health are no longer served");
        }
    });
    Ok(Server { address, task })
}

async fn metrics(State(telemetry): State<Telemetry>) -> Response {
    ([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], telemetry.metrics()).into_response()
}

async fn health(State(telemetry): State<Telemetry>) -> Response {
    let report = telemetry.report();
    let alive = report.stall.is_none();
    answer(alive, &report)
}

async fn ready(State(telemetry): State<Telemetry>) -> Response {
    let report = telemetry.report();
    answer(report.ready, &report)
}

fn answer(fine: bool, report: &super::Report) -> Response {
    let status = if fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::to_string(report).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}
