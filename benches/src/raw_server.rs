//! The other end of a bare socket: so many bytes in, so many bytes out, and nothing understood.

use std::{fs::File, io, path::PathBuf};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Bytes taken off the socket at a time.
const BUFFER: usize = 256 * 1024;
/// What a client says first: the length of a request and of a reply, each in 8 bytes.
pub const GREETING: usize = 16;

/// Starts in tasks of this runtime. With a `file`, each request is written there and synced before it is answered.
/// Returns the address.
///
/// # Errors
/// When no port is to be had.
pub async fn start(file: Option<PathBuf>) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, file.clone()));
        }
    });
    Ok(address)
}

async fn serve(mut socket: TcpStream, file: Option<PathBuf>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let request = length(&mut socket).await?;
    let reply = length(&mut socket).await?;
    let mut disk = file.map(File::create).transpose()?;
    let mut buffer = vec![0; BUFFER];
    let mut answers = vec![7; reply];
    let mut received = 0;
    loop {
        let read = socket.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        received += read;
        let whole = received / request;
        received %= request;
        if whole == 0 {
            continue;
        }
        if let Some(disk) = &mut disk {
            store(disk, buffer.get(..request).unwrap_or(&buffer))?;
        }
        answers.resize(answers.len().max(whole * reply), 7);
        socket
            .write_all(answers.get(..whole * reply).unwrap_or_default())
            .await?;
    }
}

async fn length(socket: &mut TcpStream) -> io::Result<usize> {
    let length = socket.read_u64().await?;
    usize::try_from(length).map_err(io::Error::other)
}

/// What a durable store cannot do without.
fn store(disk: &mut File, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    disk.write_all(bytes)?;
    disk.sync_data()
}
