//! The database behind a Unix socket: what a program without a network may still reach.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tokio::{
    io::copy_bidirectional,
    net::{TcpStream, UnixListener, UnixStream},
    task::JoinHandle,
};
use tools_kit::workspace;

/// Takes connections on a socket as PostgreSQL has it, and hands them to a server on TCP. Ends when it is dropped.
pub(crate) struct Socket {
    folder: PathBuf,
    task: JoinHandle<()>,
}

impl Socket {
    /// Listens in a temporary folder that is for this account alone.
    pub(crate) fn listen(server: SocketAddr) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("task-api-socket-{}", workspace::random_hex(8)?));
        let made = fs::DirBuilder::new().mode(0o700).create(&folder);
        made.with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(".s.PGSQL.5432");
        let listener =
            UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, server));
            }
        });
        Ok(Self { folder, task })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

async fn relay(mut client: UnixStream, server: SocketAddr) {
    // A connection that breaks is noticed by the client, which is what is looked at.
    if let Ok(mut server) = TcpStream::connect(server).await {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
