//! One core node: its calls over gRPC, or over Connect where gRPC does not work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use tonic::client::Grpc;
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint as TonicEndpoint};
use tonic::{Request, Streaming};
use tonic_prost::ProstCodec;

use super::NodeLimits;
use super::call::{CallError, Class};
use crate::chain::activity::Activity;
use crate::chain::core_pb::{
    Block, Empty, GetBlockRequest, GetBlockResponse, GetBlocksRequest, GetBlocksResponse, NodeInfo,
    StreamBlocksRequest, StreamBlocksResponse,
};
use crate::chain::error::Error;
use crate::chain::redact::redact_url;

/// Largest answer that is read. Blocks have up to 15 MiB in production, 100 MiB on a dev net.
const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// How a node is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Grpc,
    Connect,
}

/// A node by its URL. Clones share the connection.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// The URL without secrets.
    pub(super) shown: Arc<str>,
    base: Arc<str>,
    channel: Channel,
    origin: Uri,
    http: reqwest::Client,
    authorization: Option<MetadataValue<Ascii>>,
    protocol: Protocol,
    limits: NodeLimits,
    activity: Activity,
}

impl Endpoint {
    /// Prepares the node at `url`; connects with the first call.
    pub(super) fn new(url: &str, limits: &NodeLimits, activity: &Activity) -> Result<Self, Error> {
        let shown = redact_url(url);
        let unusable =
            |problem: String| Error::UnusableSource { source_text: shown.clone(), problem };
        let (bare, authorization) = split_credentials(url.trim_end_matches('/'));
        let origin: Uri = bare.parse().map_err(|error| unusable(format!("not a URL: {error}")))?;
        let mut tonic = TonicEndpoint::from_shared(bare.clone())
            .map_err(|error| unusable(format!("not a URL: {error}")))?
            .connect_timeout(limits.connect_timeout)
            .tcp_nodelay(true)
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(16 << 20)
            .http2_keep_alive_interval(limits.request_timeout)
            .keep_alive_timeout(limits.request_timeout);
        if origin.scheme_str() == Some("https") {
            tonic = tonic
                .tls_config(ClientTlsConfig::new().with_native_roots())
                .map_err(|error| unusable(format!("TLS can't be set up: {error}")))?;
        }
        let http = reqwest::Client::builder()
            .connect_timeout(limits.connect_timeout)
            .timeout(limits.request_timeout)
            // Whoever redirects would be handed our request, and our URL with its keys.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .build()
            .map_err(|error| unusable(format!("HTTP can't be set up: {error}")))?;
        Ok(Self {
            shown: shown.into(),
            base: bare.into(),
            channel: tonic.connect_lazy(),
            origin,
            http,
            authorization,
            protocol: Protocol::Grpc,
            limits: limits.clone(),
            activity: activity.clone(),
        })
    }

    /// How the node is spoken to since the last [`Self::handshake`].
    pub(super) const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Finds out how the node can be spoken to and asks which chain it has.
    ///
    /// gRPC is tried first. Where it fails in another way than by an answer of the node's own, the
    /// node may still speak Connect over HTTP/1.1: many listeners do only that.
    pub(super) async fn handshake(&mut self) -> Result<NodeInfo, CallError> {
        self.protocol = Protocol::Grpc;
        let grpc = match self.node_info().await {
            Ok(info) => return Ok(info),
            Err(error) => error,
        };
        self.protocol = Protocol::Connect;
        match self.node_info().await {
            Ok(info) => Ok(info),
            Err(connect) => {
                self.protocol = Protocol::Grpc;
                let reason = if grpc.reason == connect.reason {
                    grpc.reason
                } else {
                    format!("gRPC: {}, Connect: {}", grpc.reason, connect.reason)
                };
                let class =
                    if connect.class == Class::Connection { grpc.class } else { connect.class };
                Err(CallError { class, reason })
            }
        }
    }

    /// A node has this answer at hand, so waiting for it long only delays the next node's turn.
    async fn node_info(&self) -> Result<NodeInfo, CallError> {
        let limit = self.limits.connect_timeout.min(self.limits.request_timeout);
        within(limit, self.unary("GetNodeInfo", Empty {})).await
    }

    /// `GetBlock`, with the meaning of its answers: `None` where the node has no such block yet.
    pub(super) async fn block(&self, height: i64) -> Result<(Option<Block>, i64), CallError> {
        let answer: GetBlockResponse = self.unary("GetBlock", GetBlockRequest { height }).await?;
        match answer.block {
            Some(block) if block.height == height => Ok((Some(block), answer.current_height)),
            Some(block) if block.height > 0 => Err(CallError::refused(format!(
                "asked for block {height}, answered block {}",
                block.height
            ))),
            _ => Ok((None, answer.current_height)),
        }
    }

    /// `GetBlocks`.
    pub(super) async fn blocks(&self, heights: Vec<i64>) -> Result<GetBlocksResponse, CallError> {
        let answer: GetBlocksResponse =
            self.unary("GetBlocks", GetBlocksRequest { height: heights }).await?;
        match answer.blocks.iter().find(|(height, block)| block.height != **height) {
            Some((height, block)) => Err(CallError::refused(format!(
                "asked for block {height}, answered block {}",
                block.height
            ))),
            None => Ok(answer),
        }
    }

    /// `StreamBlocks`; only over gRPC. Asks for the sorted order, as polling gets it.
    pub(super) async fn stream(
        &self,
        start_height: i64,
    ) -> Result<Streaming<StreamBlocksResponse>, CallError> {
        let mut grpc = self.grpc();
        let path = PathAndQuery::from_static("/core.v1.CoreService/StreamBlocks");
        let request = self.request(StreamBlocksRequest { canon: false, start_height });
        let call = async {
            grpc.ready().await.map_err(|error| CallError::connection(error.to_string()))?;
            let codec = ProstCodec::default();
            let answer = grpc.server_streaming(request, path, codec).await;
            answer.map(tonic::Response::into_inner).map_err(|status| CallError::of_status(&status))
        };
        let started = Instant::now();
        let outcome = within(self.limits.stream_idle, call).await;
        self.count("StreamBlocks", started, outcome.as_ref().err());
        outcome
    }

    async fn unary<Q, A>(&self, method: &'static str, request: Q) -> Result<A, CallError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let limit = self.limits.request_timeout;
        let started = Instant::now();
        let outcome = match self.protocol {
            Protocol::Grpc => within(limit, self.unary_grpc(method, request)).await,
            Protocol::Connect => within(limit, self.unary_connect(method, &request)).await,
        };
        self.count(method, started, outcome.as_ref().err());
        outcome
    }

    fn count(&self, method: &'static str, started: Instant, error: Option<&CallError>) {
        let class = error.map(|error| error.class.name());
        self.activity.called(&self.shown, method, started.elapsed(), class);
    }

    async fn unary_grpc<Q, A>(&self, method: &str, request: Q) -> Result<A, CallError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.grpc();
        let path = PathAndQuery::try_from(format!("/core.v1.CoreService/{method}"))
            .expect("a method name is a valid path");
        grpc.ready().await.map_err(|error| CallError::connection(error.to_string()))?;
        let answer = grpc.unary(self.request(request), path, ProstCodec::default()).await;
        answer.map(tonic::Response::into_inner).map_err(|status| CallError::of_status(&status))
    }

    async fn unary_connect<Q, A>(&self, method: &str, request: &Q) -> Result<A, CallError>
    where
        Q: Message,
        A: Message + Default,
    {
        let mut call = self
            .http
            .post(format!("{}/core.v1.CoreService/{method}", self.base))
            .header("content-type", "application/proto")
            .header("connect-protocol-version", "1")
            .body(request.encode_to_vec());
        if let Some(authorization) = &self.authorization {
            call = call.header("authorization", authorization.as_bytes());
        }
        let mut answer = call.send().await.map_err(|error| CallError::of_http(&error))?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| CallError::of_http(&error))? {
            if body.len() + part.len() > MAX_MESSAGE_BYTES {
                return Err(CallError::refused("an answer larger than any block"));
            }
            body.extend_from_slice(&part);
        }
        if status != 200 {
            return Err(CallError::of_connect(status, &body));
        }
        A::decode(prost::bytes::Bytes::from(body)).map_err(|error| CallError {
            class: Class::Unimplemented,
            reason: format!("not a core node: {error}"),
        })
    }

    fn grpc(&self) -> Grpc<Channel> {
        Grpc::with_origin(self.channel.clone(), self.origin.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    fn request<Q>(&self, message: Q) -> Request<Q> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request
    }
}

/// The call's outcome, or an error when it takes longer than `limit`.
async fn within<A>(
    limit: Duration,
    call: impl Future<Output = Result<A, CallError>>,
) -> Result<A, CallError> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(CallError::deadline(limit)))
}

/// The URL without `user:password@`, and the header that carries them instead.
fn split_credentials(url: &str) -> (String, Option<MetadataValue<Ascii>>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority_end].rsplit_once('@') {
        None => (url.to_owned(), None),
        Some((credentials, host)) => {
            let header = format!("Basic {}", STANDARD.encode(credentials));
            (format!("{scheme}://{host}{}", &rest[authority_end..]), header.parse().ok())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split_credentials;

    #[test]
    fn credentials_leave_the_url_and_become_a_header() {
        let (url, header) = split_credentials("https://user:pass@host:1/x");
        assert_eq!(url, "https://host:1/x");
        assert_eq!(header.unwrap().to_str().unwrap(), "Basic dXNlcjpwYXNz");
        assert_eq!(split_credentials("http://host/a@b"), ("http://host/a@b".to_owned(), None));
    }
}
