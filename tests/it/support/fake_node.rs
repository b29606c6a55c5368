//! A core node in the test's process: `core.v1.CoreService` over gRPC and Connect on a port of its
//! own, with every bad habit that real nodes have.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use audius_etl::chain::core_pb::{
    Block, Empty, GetBlockRequest, GetBlockResponse, GetBlocksRequest, GetBlocksResponse, NodeInfo,
    StreamBlocksRequest, StreamBlocksResponse,
};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http_body_util::BodyExt;
use prost::Message;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

use super::blocks::CHAIN;

/// How `StreamBlocks` behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamHabit {
    Unimplemented,
    /// Replays from the start height and follows.
    Complete,
    /// The same, but each block lacks its first transaction.
    LosesFirstTransaction,
    /// The same, but this height is never sent.
    Skips(i64),
    /// Ignores the start height: sends only what comes after the call.
    LiveTailOnly,
    /// Ends after so many blocks.
    EndsAfter(usize),
}

/// What a node does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    Answers,
    /// Fails with this code.
    Fails(Code),
    /// Never answers.
    Stalls,
}

/// What the node has and how it behaves; may be changed while it runs.
pub(crate) struct State {
    pub(crate) chain_id: String,
    /// Blocks that `GetBlocks` serves.
    pub(crate) blocks: BTreeMap<i64, Block>,
    /// Blocks that only `GetBlock` serves, as from the chain's own store.
    pub(crate) elsewhere: BTreeMap<i64, Block>,
    pub(crate) head: i64,
    pub(crate) habit: Habit,
    /// Habits of the next calls, before `habit` applies again.
    pub(crate) next_calls: Vec<Habit>,
    pub(crate) batch_habit: Habit,
    pub(crate) stream: StreamHabit,
    pub(crate) grpc: bool,
    pub(crate) connect: bool,
    /// Methods called, with the heights asked for.
    pub(crate) calls: Vec<(String, Vec<i64>)>,
}

impl State {
    /// Adds `block` and makes it the head.
    pub(crate) fn push(&mut self, block: Block) {
        self.head = self.head.max(block.height);
        self.blocks.insert(block.height, block);
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.calls.iter().filter(|(called, _)| called == method).count()
    }
}

/// A running node. Dropped, it is gone.
pub(crate) struct FakeNode {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    server: tokio::task::JoinHandle<()>,
}

impl FakeNode {
    /// Starts a node with `blocks`, the highest of them its head.
    pub(crate) fn start(blocks: impl IntoIterator<Item = Block>) -> Self {
        let mut state = State {
            chain_id: CHAIN.to_owned(),
            blocks: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            head: 0,
            habit: Habit::Answers,
            next_calls: Vec::new(),
            batch_habit: Habit::Answers,
            stream: StreamHabit::Unimplemented,
            grpc: true,
            connect: true,
            calls: Vec::new(),
        };
        blocks.into_iter().for_each(|block| state.push(block));
        let state = Arc::new(Mutex::new(state));
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}", incoming.local_addr().unwrap());
        let core = Core { state: Arc::clone(&state) };
        let server = tokio::spawn(async move {
            let served = Server::builder().accept_http1(true).add_service(core);
            served.serve_with_incoming(incoming).await.unwrap();
        });
        Self { url, state, server }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for FakeNode {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Core {
    state: Arc<Mutex<State>>,
}

impl NamedService for Core {
    const NAME: &'static str = "core.v1.CoreService";
}

type Answering = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl Service<http::Request<Body>> for Core {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answering {
        let core = self.clone();
        Box::pin(async move { Ok(core.answer(request).await) })
    }
}

impl Core {
    async fn answer(self, request: http::Request<Body>) -> http::Response<Body> {
        let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
        let kind =
            request.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let is_grpc = kind.is_some_and(|kind| kind.starts_with("application/grpc"));
        let (grpc, connect) = {
            let state = self.state.lock().unwrap();
            (state.grpc, state.connect)
        };
        if (is_grpc && !grpc) || (!is_grpc && !connect) {
            return http::Response::builder().status(404).body(Body::empty()).unwrap();
        }
        match (method.as_str(), is_grpc) {
            ("GetNodeInfo", true) => grpc_unary(NodeInfoCall(self), request).await,
            ("GetBlock", true) => grpc_unary(BlockCall(self), request).await,
            ("GetBlocks", true) => grpc_unary(BlocksCall(self), request).await,
            ("StreamBlocks", true) => {
                let codec = ProstCodec::<StreamBlocksResponse, StreamBlocksRequest>::default();
                Grpc::new(codec).server_streaming(StreamCall(self), request).await
            }
            ("GetNodeInfo", false) => connect_unary(NodeInfoCall(self), request).await,
            ("GetBlock", false) => connect_unary(BlockCall(self), request).await,
            ("GetBlocks", false) => connect_unary(BlocksCall(self), request).await,
            _ => http::Response::builder().status(404).body(Body::empty()).unwrap(),
        }
    }

    /// Notes the call and does what the node's habits say.
    async fn enter(&self, method: &str, heights: &[i64]) -> Result<(), Status> {
        let habit = {
            let mut state = self.state.lock().unwrap();
            state.calls.push((method.to_owned(), heights.to_vec()));
            let general =
                if state.next_calls.is_empty() { state.habit } else { state.next_calls.remove(0) };
            match (general, method) {
                (Habit::Answers, "GetBlocks") => state.batch_habit,
                _ => general,
            }
        };
        match habit {
            Habit::Answers => Ok(()),
            Habit::Fails(code) => Err(Status::new(code, "service not ready")),
            Habit::Stalls => std::future::pending().await,
        }
    }
}

async fn grpc_unary<S, Q, A>(service: S, request: http::Request<Body>) -> http::Response<Body>
where
    S: UnaryService<Q, Response = A>,
    Q: Message + Default + Send + 'static,
    A: Message + Send + 'static,
{
    Grpc::new(ProstCodec::<A, Q>::default()).unary(service, request).await
}

async fn connect_unary<S, Q, A>(
    mut service: S,
    request: http::Request<Body>,
) -> http::Response<Body>
where
    S: UnaryService<Q, Response = A>,
    Q: Message + Default,
    A: Message,
{
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let answer = service.call(Request::new(Q::decode(body).unwrap())).await;
    let (status, body) = match answer {
        Ok(answer) => (200, answer.into_inner().encode_to_vec()),
        Err(status) => {
            let code = format!("{:?}", status.code()).to_lowercase();
            let fault = format!(r#"{{"code":"{code}","message":"{}"}}"#, status.message());
            (503, fault.into_bytes())
        }
    };
    let body = Body::new(http_body_util::Full::new(body.into()));
    http::Response::builder().status(status).body(body).unwrap()
}

type Answer<A> = Pin<Box<dyn Future<Output = Result<Response<A>, Status>> + Send>>;

struct NodeInfoCall(Core);

impl UnaryService<Empty> for NodeInfoCall {
    type Response = NodeInfo;
    type Future = Answer<NodeInfo>;

    fn call(&mut self, _: Request<Empty>) -> Self::Future {
        let core = self.0.clone();
        Box::pin(async move {
            core.enter("GetNodeInfo", &[]).await?;
            let state = core.state.lock().unwrap();
            Ok(Response::new(NodeInfo {
                chain_id: state.chain_id.clone(),
                synced: true,
                current_height: state.head,
            }))
        })
    }
}

struct BlockCall(Core);

impl UnaryService<GetBlockRequest> for BlockCall {
    type Response = GetBlockResponse;
    type Future = Answer<GetBlockResponse>;

    fn call(&mut self, request: Request<GetBlockRequest>) -> Self::Future {
        let core = self.0.clone();
        Box::pin(async move {
            let height = request.into_inner().height;
            core.enter("GetBlock", &[height]).await?;
            let state = core.state.lock().unwrap();
            let answer = match (state.blocks.get(&height), state.elsewhere.get(&height)) {
                (Some(block), _) => {
                    GetBlockResponse { block: Some(block.clone()), current_height: state.head }
                }
                (None, Some(block)) => {
                    GetBlockResponse { block: Some(block.clone()), current_height: 0 }
                }
                (None, None) => {
                    let chain_id = state.chain_id.clone();
                    let block = Block { height: -1, chain_id, ..Block::default() };
                    GetBlockResponse { block: Some(block), current_height: 0 }
                }
            };
            Ok(Response::new(answer))
        })
    }
}

struct BlocksCall(Core);

impl UnaryService<GetBlocksRequest> for BlocksCall {
    type Response = GetBlocksResponse;
    type Future = Answer<GetBlocksResponse>;

    fn call(&mut self, request: Request<GetBlocksRequest>) -> Self::Future {
        let core = self.0.clone();
        Box::pin(async move {
            let heights = request.into_inner().height;
            core.enter("GetBlocks", &heights).await?;
            let state = core.state.lock().unwrap();
            let blocks = heights
                .iter()
                .filter_map(|height| Some((*height, state.blocks.get(height)?.clone())))
                .collect();
            Ok(Response::new(GetBlocksResponse { blocks, current_height: state.head }))
        })
    }
}

struct StreamCall(Core);

impl ServerStreamingService<StreamBlocksRequest> for StreamCall {
    type Response = StreamBlocksResponse;
    type ResponseStream = BoxStream<'static, Result<StreamBlocksResponse, Status>>;
    type Future = Answer<Self::ResponseStream>;

    fn call(&mut self, request: Request<StreamBlocksRequest>) -> Self::Future {
        let core = self.0.clone();
        Box::pin(async move {
            let asked = request.into_inner().start_height;
            core.enter("StreamBlocks", &[asked]).await?;
            let (habit, head) = {
                let state = core.state.lock().unwrap();
                (state.stream, state.head)
            };
            let (from, limit) = match habit {
                StreamHabit::Unimplemented => return Err(Status::unimplemented("no such method")),
                StreamHabit::LiveTailOnly => (head + 1, usize::MAX),
                StreamHabit::EndsAfter(limit) => (asked, limit),
                _ => (asked, usize::MAX),
            };
            let blocks = stream::unfold((core, from), |(core, height)| async move {
                loop {
                    let found = core.state.lock().unwrap().blocks.get(&height).cloned();
                    if let Some(block) = found {
                        return Some((block, (core, height + 1)));
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
            let sent = blocks
                .filter(move |block| std::future::ready(habit != StreamHabit::Skips(block.height)))
                .take(limit)
                .map(move |mut block| {
                    if habit == StreamHabit::LosesFirstTransaction && !block.transactions.is_empty()
                    {
                        block.transactions.remove(0);
                    }
                    // A stream fills both payloads, one of them empty.
                    for tx in &mut block.transactions {
                        tx.height = block.height;
                        tx.transactionv2 = Some(Vec::new().into());
                    }
                    Ok(StreamBlocksResponse { block: Some(block) })
                });
            Ok(Response::new(sent.boxed()))
        })
    }
}
