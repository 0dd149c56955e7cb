//! What one would write with tonic: a stream of blocks to the server, and one answer at its end.
//!
//! Tuned: windows that never fill, messages that are not copied into place, frames as large as HTTP/2 allows.

use bytes::Bytes;
use tokio::{io::AsyncReadExt as _, net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Endpoint, Server, server::TcpIncoming},
};

use crate::job::{Contender, Job, Outcome, Work};

mod generated {
    include!(concat!(env!("OUT_DIR"), "/peers.Sink.rs"));
}

/// The largest windows of HTTP/2, bytes.
const WINDOW: u32 = (1 << 31) - 1;
/// The largest frames of HTTP/2, bytes.
const FRAME: u32 = (1 << 24) - 1;
/// Larger than any message here, bytes.
const MESSAGE: usize = 64 << 20;
/// Messages on their way to the connection: as many bytes as our writers hold by default.
const AHEAD: usize = 16 << 20;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Block {
    #[prost(bytes = "bytes", tag = "1")]
    pub data: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Stored {
    #[prost(uint64, tag = "1")]
    pub bytes: u64,
}

struct Dropping;

#[tonic::async_trait]
impl generated::sink_server::Sink for Dropping {
    async fn put(&self, blocks: Request<Streaming<Block>>) -> Result<Response<Stored>, Status> {
        let mut blocks = blocks.into_inner();
        let mut bytes = 0;
        while let Some(block) = blocks.message().await? {
            bytes += block.data.len() as u64;
        }
        Ok(Response::new(Stored { bytes }))
    }
}

/// Serves until the end of standard input.
pub async fn serve() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let service = generated::sink_server::SinkServer::new(Dropping).max_decoding_message_size(MESSAGE);
    let serving = Server::builder()
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_frame_size(FRAME)
        .add_service(service)
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    let mut rest = Vec::new();
    tokio::select! {
        ended = serving => Ok(ended?),
        _ = async { tokio::io::stdin().read_to_end(&mut rest).await } => Ok(()),
    }
}

pub async fn run(job: &Job) -> Outcome<()> {
    if !matches!(job.work, Work::Append | Work::Write) {
        return Err("not measured with tonic".into());
    }
    let channel = Endpoint::from_shared(job.address.clone())?
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .tcp_nodelay(true)
        .connect()
        .await?;
    let client = generated::sink_client::SinkClient::new(channel).max_encoding_message_size(MESSAGE);
    let mut sending = Sending {
        client,
        piece: Bytes::from(vec![7; job.size]),
        copies: job.work == Work::Write,
        call: None,
    };
    job.measure(&mut sending).await
}

type Client = generated::sink_client::SinkClient<tonic::transport::Channel>;
type Answer = tokio::task::JoinHandle<Result<Response<Stored>, Status>>;

struct Sending {
    client: Client,
    piece: Bytes,
    /// The caller has a slice, so the message needs bytes of its own.
    copies: bool,
    call: Option<(mpsc::Sender<Block>, Answer)>,
}

impl Contender for Sending {
    async fn call(&mut self) -> Outcome<usize> {
        let ahead = (AHEAD / self.piece.len()).max(2);
        let (blocks, _) = self.call.get_or_insert_with(|| {
            let (sender, blocks) = mpsc::channel(ahead);
            let mut client = self.client.clone();
            let put = async move { client.put(ReceiverStream::new(blocks)).await };
            (sender, tokio::spawn(put))
        });
        let data = if self.copies {
            Bytes::copy_from_slice(&self.piece)
        } else {
            self.piece.clone()
        };
        blocks.send(Block { data }).await?;
        Ok(self.piece.len())
    }

    /// The answer comes when the server has everything.
    async fn settle(&mut self) -> Outcome<()> {
        if let Some((blocks, answer)) = self.call.take() {
            drop(blocks);
            answer.await??;
        }
        Ok(())
    }
}
