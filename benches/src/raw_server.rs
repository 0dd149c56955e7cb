//! The other end of a bare socket: so many bytes in, so many bytes out, and nothing understood.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use redb::{Database, TableDefinition};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Bytes taken off the socket at a time.
const BUFFER: usize = 256 * 1024;
/// What a client says first: the length of a request and of a reply, each in 8 bytes.
pub const GREETING: usize = 16;

/// What is done with a request before it is answered.
#[derive(Debug, Clone)]
pub enum Keep {
    /// Nothing.
    Nothing,
    /// It is written behind the others, and synced.
    File(Arc<File>),
    /// It is put into a database, in a transaction of its own.
    Database(Arc<Database>),
}

impl Keep {
    /// In a new file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn file(path: &Path) -> io::Result<Self> {
        Ok(Self::File(Arc::new(File::create(path)?)))
    }

    /// In a new database.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn database(path: &Path) -> io::Result<Self> {
        let database = Database::create(path).map_err(io::Error::other)?;
        Ok(Self::Database(Arc::new(database)))
    }

    /// Keeps a request.
    fn store(&self, bytes: &[u8]) -> io::Result<()> {
        use std::io::Write as _;
        match self {
            Self::Nothing => Ok(()),
            Self::File(file) => {
                file.as_ref().write_all(bytes)?;
                file.sync_data()
            }
            Self::Database(database) => insert(database, bytes).map_err(io::Error::other),
        }
    }
}

/// Requests by their number. It goes on with the next connection: a log only grows.
const REQUESTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("requests");

/// The number of the next request.
static NEXT: AtomicU64 = AtomicU64::new(0);

fn insert(database: &Database, bytes: &[u8]) -> Result<(), redb::Error> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let transaction = database.begin_write()?;
    transaction.open_table(REQUESTS)?.insert(number, bytes)?;
    Ok(transaction.commit()?)
}

/// Starts in tasks of this runtime. Returns the address.
///
/// # Errors
/// When no port is to be had.
pub async fn start(keep: Keep) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, keep.clone()));
        }
    });
    Ok(address)
}

async fn serve(mut socket: TcpStream, keep: Keep) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let request = length(&mut socket).await?;
    let reply = length(&mut socket).await?;
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
        keep.store(buffer.get(..request).unwrap_or(&buffer))?;
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
