//! Unix stream sockets.

use std::{
    fs, io,
    os::unix::{fs::MetadataExt, net::UnixStream as StdUnixStream},
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

use crate::wire::Identity;

/// A listening socket and its file.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    /// The file this listener made: a successor may have put its own in the same place.
    inode: u64,
}

impl UnixSocket {
    /// A file on which nobody listens any more is replaced.
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
                fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            result => result?,
        };
        Ok(Self {
            listener,
            path: path.to_owned(),
            inode: fs::metadata(path)?.ino(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

/// Who opened the other end, by the word of the system (`SO_PEERCRED`).
pub(super) fn identity(stream: &UnixStream) -> Identity {
    match stream.peer_cred() {
        Ok(credentials) => Identity::Uid(credentials.uid()),
        Err(_) => Identity::Unverified,
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if fs::metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            // A file that stays is found stale by the next who binds.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn is_stale(path: &Path) -> bool {
    StdUnixStream::connect(path)
        .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
