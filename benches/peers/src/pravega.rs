//! `pravega-client` 0.3.7, as its documentation uses it.

use std::io::SeekFrom;

use pravega_client::{
    byte::{ByteReader, ByteWriter},
    client_factory::ClientFactoryAsync,
};
use pravega_client_config::ClientConfigBuilder;
use pravega_client_shared::{
    Retention, RetentionType, ScaleType, Scaling, ScopedStream, StreamConfiguration,
};
use tokio::runtime::Handle;

use crate::job::{Contender, Job, Outcome, REREAD, REREAD_PIECE, Work};

pub async fn run(job: &Job) -> Outcome<()> {
    let config = ClientConfigBuilder::default()
        .controller_uri(job.address.as_str())
        .build()
        .map_err(|error| format!("configuration: {error:?}"))?;
    let factory = ClientFactoryAsync::new(config, Handle::current());
    match job.work {
        Work::Append | Work::Write | Work::Flush | Work::FlushBytes => {
            let stream = stream(&factory, "bench").await?;
            let writer = factory.create_byte_writer(stream).await;
            let piece = vec![7; job.size];
            let flushes = matches!(job.work, Work::Flush | Work::FlushBytes);
            job.measure(&mut Writing { writer, piece, flushes }).await
        }
        Work::Read | Work::ReadChunk => {
            let stream = stream(&factory, "endless").await?;
            let reader = factory.create_byte_reader(stream).await;
            let buffer = vec![0; job.size];
            job.measure(&mut Reading { reader, buffer }).await
        }
        Work::Reread => {
            let stream = stream(&factory, "bench").await?;
            let mut writer = factory.create_byte_writer(stream.clone()).await;
            let piece = vec![7; REREAD_PIECE];
            for _ in 0..REREAD / REREAD_PIECE {
                write_all(&mut writer, &piece).await?;
            }
            writer.flush().await.map_err(failed)?;
            let reader = factory.create_byte_reader(stream).await;
            let buffer = vec![0; job.size];
            let end = u64::try_from(REREAD)?;
            job.measure(&mut Rereading { reading: Reading { reader, buffer }, end }).await
        }
        Work::Wake | Work::Crowd | Work::Serve => Err("not measured with this client".into()),
    }
}

async fn stream(factory: &ClientFactoryAsync, scope: &str) -> Outcome<ScopedStream> {
    let name = format!("{scope}/p{}", std::process::id());
    let scoped_stream = ScopedStream::from(name.as_str());
    let controller = factory.controller_client();
    let config = StreamConfiguration {
        scoped_stream: scoped_stream.clone(),
        scaling: Scaling {
            scale_type: ScaleType::FixedNumSegments,
            target_rate: 0,
            scale_factor: 0,
            min_num_segments: 1,
        },
        retention: Retention {
            retention_type: RetentionType::None,
            retention_param: 0,
        },
        tags: None,
    };
    let failed = |error: &dyn std::fmt::Debug| format!("controller: {error:?}");
    let scope = &scoped_stream.scope;
    controller.create_scope(scope).await.map_err(|error| failed(&error))?;
    controller.create_stream(&config).await.map_err(|error| failed(&error))?;
    Ok(scoped_stream)
}

struct Writing {
    writer: ByteWriter,
    piece: Vec<u8>,
    flushes: bool,
}

impl Contender for Writing {
    async fn call(&mut self) -> Outcome<usize> {
        write_all(&mut self.writer, &self.piece).await?;
        if self.flushes {
            self.settle().await?;
        }
        Ok(self.piece.len())
    }

    async fn settle(&mut self) -> Outcome<()> {
        self.writer.flush().await.map_err(failed)?;
        Ok(())
    }
}

async fn write_all(writer: &mut ByteWriter, piece: &[u8]) -> Outcome<()> {
    let mut left = piece;
    while !left.is_empty() {
        let written = writer.write(left).await.map_err(failed)?;
        left = &left[written..];
    }
    Ok(())
}

struct Reading {
    reader: ByteReader,
    buffer: Vec<u8>,
}

impl Contender for Reading {
    async fn call(&mut self) -> Outcome<usize> {
        Ok(self.reader.read(&mut self.buffer).await.map_err(failed)?)
    }

    async fn settle(&mut self) -> Outcome<()> {
        Ok(())
    }
}

/// Begins again at the end.
struct Rereading {
    reading: Reading,
    end: u64,
}

impl Contender for Rereading {
    async fn call(&mut self) -> Outcome<usize> {
        let reader = &mut self.reading.reader;
        if reader.current_offset() >= self.end {
            reader.seek(SeekFrom::Start(0)).await.map_err(failed)?;
        }
        self.reading.call().await
    }

    async fn settle(&mut self) -> Outcome<()> {
        Ok(())
    }
}

fn failed(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}
