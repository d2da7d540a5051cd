//! Frames of the two stacks that are written by hand: a length of four bytes, a kind of one, bytes.

use anyhow::{Result, ensure};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Length and kind.
pub(super) const HEAD: usize = 5;
const BUFFER: usize = 128 << 10;

/// A frame's length, without its head, and kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) kind: u8,
}

/// Appends a frame whose bytes `write` appends.
pub(super) fn frame(
    out: &mut Vec<u8>,
    kind: u8,
    write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind]);
    write(out)?;
    let length = u32::try_from(out.len() - start - HEAD)?;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Reads frames: as many as one read gives, and what is too large for the buffer in place.
pub(super) struct Frames<R> {
    from: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            buffer: vec![0; BUFFER].into(),
            start: 0,
            end: 0,
        }
    }

    /// What it reads from.
    pub(super) fn stream(&mut self) -> &mut R {
        &mut self.from
    }

    /// The head of the next frame, if it is there.
    pub(super) fn head(&self) -> Option<Head> {
        let bytes = self.buffer[self.start..self.end].first_chunk::<HEAD>()?;
        let [a, b, c, d, kind] = *bytes;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        Some(Head { length, kind })
    }

    /// The next frame, if all of it is there.
    pub(super) fn buffered(&mut self) -> Option<(u8, &[u8])> {
        let head = self.head()?;
        let start = self.start + HEAD;
        let end = start + head.length;
        if end > self.end {
            return None;
        }
        self.start = end;
        Some((head.kind, &self.buffer[start..end]))
    }

    /// Reads once. False at the end.
    pub(super) async fn fill(&mut self) -> Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        ensure!(
            self.end < self.buffer.len(),
            "the frame is too large for the buffer"
        );
        let read = self.from.read(&mut self.buffer[self.end..]).await?;
        self.end += read;
        Ok(read > 0)
    }

    /// Reads the bytes of the next frame, whose head is there, to where they belong.
    pub(super) async fn read_over(&mut self, head: Head, body: &mut [u8]) -> Result<()> {
        ensure!(body.len() == head.length, "a frame of another length");
        let start = self.start + HEAD;
        let end = self.end.min(start + head.length);
        let (there, missing) = body.split_at_mut(end - start);
        there.copy_from_slice(&self.buffer[start..end]);
        self.start = end;
        self.from.read_exact(missing).await?;
        Ok(())
    }
}
