//! TCP, read in larger pieces than rustls asks for.
//!
//! It asks for 4 KiB at a time, so that a record of 16 KiB would take five system calls. What fills
//! such a piece is probably more than that: then as much as there is comes with the next read. Small
//! messages go where they belong at once, and an idle connection holds no buffer.

use std::{
    io, mem,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::wire::buffers;

/// Bytes that are read at a time at most.
const AHEAD: usize = 64 << 10;
/// What rustls asks for.
const PIECE: usize = 4 << 10;

/// The stream, and what was read of it and not asked for yet.
#[derive(Debug)]
pub(super) struct Ahead {
    tcp: TcpStream,
    held: BytesMut,
    /// The last read filled a piece, or more.
    filled: bool,
}

impl Ahead {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            held: BytesMut::new(),
            filled: false,
        }
    }

    /// Reads what is there to the buffer, which is empty.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.held = buffers::input();
        self.held.reserve(AHEAD);
        let mut room = (&mut self.held).limit(AHEAD);
        let read = pin!(self.tcp.read_buf(&mut room)).poll(cx);
        if let Poll::Ready(Ok(read)) = read {
            self.filled = read >= PIECE;
        }
        if self.held.is_empty() {
            self.release();
        }
        read.map_ok(drop)
    }

    fn release(&mut self) {
        buffers::give_input(mem::take(&mut self.held));
    }
}

impl AsyncRead for Ahead {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.held.is_empty() {
            if !this.filled {
                ready!(Pin::new(&mut this.tcp).poll_read(cx, buf))?;
                this.filled = buf.remaining() == 0;
                return Poll::Ready(Ok(()));
            }
            ready!(this.poll_ahead(cx))?;
        }
        let amount = buf.remaining().min(this.held.len());
        buf.put_slice(&this.held[..amount]);
        this.held.advance(amount);
        if this.held.is_empty() {
            this.release();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Ahead {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    /// Sends `bytes`, and reads them in pieces.
    async fn pass(from: &mut TcpStream, to: &mut Ahead, bytes: &[u8]) {
        let mut read = Vec::new();
        let reads = async {
            while read.len() < bytes.len() {
                let mut piece = [0; PIECE];
                let most = PIECE.min(bytes.len() - read.len());
                let length = to.read(&mut piece[..most]).await.unwrap();
                assert!(length > 0, "the end comes too early");
                read.extend_from_slice(&piece[..length]);
            }
        };
        let (sent, ()) = tokio::join!(from.write_all(bytes), reads);
        sent.unwrap();
        assert!(read == bytes, "other bytes came than were sent");
    }

    #[tokio::test]
    async fn bytes_come_in_order_and_no_buffer_is_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (dialled, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut from, mut to) = (dialled.unwrap(), Ahead::new(accepted.unwrap().0));
        let many: Vec<u8> = (0_u32..1 << 18).flat_map(u32::to_le_bytes).collect();
        for length in [1, PIECE - 1, PIECE, PIECE + 1, AHEAD, many.len(), 100] {
            pass(&mut from, &mut to, &many[..length]).await;
            assert_eq!(to.held.capacity(), 0, "after {length} bytes");
        }
        drop(from);
        assert_eq!(to.read(&mut [0; 1]).await.unwrap(), 0, "it is over");
    }
}
