//! TCP. Nagle's delay is off on both sides: a call is one small write that somebody waits for.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpStream};

pub(super) async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(super) async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    // It fails when the peer has reset the connection, which its first read tells better.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
