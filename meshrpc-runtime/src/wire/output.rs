//! What is written next.

use std::{collections::VecDeque, io::IoSlice, mem};

use bytes::{Buf, Bytes};

use super::buffers;

/// Shorter pieces of bodies are copied: that costs less than a slice of their own in a write.
const SHORTEST: usize = 4 << 10;

/// Frames on their way out, in order: small ones in one buffer, and the bodies of large ones where
/// the caller has them. As a [`Buf`] it is what is left to write.
#[derive(Debug, Default)]
pub struct Output {
    /// All but the bodies.
    frames: Vec<u8>,
    /// Bytes of `frames` that were written.
    written: usize,
    /// Bodies, with the length of `frames` that goes before each.
    bodies: VecDeque<(usize, Bytes)>,
    /// Bytes in the bodies.
    in_bodies: usize,
}

impl Output {
    /// Whether all of it is one chunk.
    pub fn is_contiguous(&self) -> bool {
        self.bodies.is_empty()
    }

    /// Gives the memory back that it needed, when nothing is left.
    pub(crate) fn release(&mut self) {
        debug_assert!(!self.has_remaining(), "what is left is still to be written");
        buffers::give(mem::take(self).frames);
    }

    /// Forgets what is left.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.written = 0;
        self.bodies.clear();
        self.in_bodies = 0;
    }

    /// Where frames without a body of their own are put.
    pub(super) fn frames(&mut self) -> &mut Vec<u8> {
        &mut self.frames
    }

    /// Adds a piece of a body.
    pub(super) fn put(&mut self, piece: Bytes) {
        if piece.len() < SHORTEST {
            self.frames.extend_from_slice(&piece);
        } else {
            self.push(piece);
        }
    }

    fn push(&mut self, body: Bytes) {
        self.in_bodies += body.len();
        self.bodies.push_back((self.frames.len(), body));
    }

    /// Up to where `frames` can be written before the next body has to be.
    fn run(&self) -> usize {
        self.bodies.front().map_or(self.frames.len(), |(at, _)| *at)
    }
}

impl Buf for Output {
    fn remaining(&self) -> usize {
        self.frames.len() - self.written + self.in_bodies
    }

    fn chunk(&self) -> &[u8] {
        match self.bodies.front() {
            Some((at, body)) if *at == self.written => body,
            _ => &self.frames[self.written..self.run()],
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut slices = slices.iter_mut();
        let mut filled = 0;
        let mut put = |bytes: &'a [u8]| {
            if bytes.is_empty() {
                return true;
            }
            match slices.next() {
                Some(slice) => {
                    *slice = IoSlice::new(bytes);
                    filled += 1;
                    true
                }
                None => false,
            }
        };
        let mut begin = self.written;
        for (at, body) in &self.bodies {
            if !put(&self.frames[begin..*at]) || !put(body) {
                return filled;
            }
            begin = *at;
        }
        put(&self.frames[begin..]);
        filled
    }

    fn advance(&mut self, mut bytes: usize) {
        while bytes > 0 {
            let run = self.run() - self.written;
            if run > 0 {
                let taken = run.min(bytes);
                self.written += taken;
                bytes -= taken;
                continue;
            }
            let Some((_, body)) = self.bodies.front_mut() else {
                debug_assert!(false, "no more was written than there was");
                return;
            };
            let taken = body.len().min(bytes);
            body.advance(taken);
            bytes -= taken;
            self.in_bodies -= taken;
            if body.is_empty() {
                self.bodies.pop_front();
            }
        }
        if !self.has_remaining() {
            self.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output() -> (Output, Vec<u8>) {
        let mut output = Output::default();
        output.push(Bytes::from_static(b"first"));
        output.frames().extend_from_slice(b"ab");
        output.push(Bytes::from_static(b"second"));
        output.push(Bytes::from_static(b"third"));
        output.frames().extend_from_slice(b"cd");
        (output, b"firstabsecondthirdcd".to_vec())
    }

    #[test]
    fn what_is_written_is_in_order_wherever_a_write_stops() {
        for step in 1..=20 {
            let (mut output, whole) = output();
            let mut written = Vec::new();
            while output.has_remaining() {
                assert_eq!(output.remaining(), whole.len() - written.len());
                let mut slices = [IoSlice::new(&[]); 8];
                let filled = output.chunks_vectored(&mut slices);
                let there: Vec<u8> = slices[..filled].iter().flat_map(|s| s.to_vec()).collect();
                assert_eq!(there, whole[written.len()..]);
                assert!(there.starts_with(output.chunk()) && !output.chunk().is_empty());
                let taken = step.min(there.len());
                written.extend_from_slice(&there[..taken]);
                output.advance(taken);
            }
            assert_eq!(written, whole, "{step} bytes at a time");
            assert!(output.frames.is_empty(), "and the buffer begins anew");
        }
    }

    #[test]
    fn as_many_slices_are_filled_as_there_are() {
        let (output, _) = output();
        let mut slices = [IoSlice::new(&[]); 3];
        assert_eq!(output.chunks_vectored(&mut slices), 3);
        assert_eq!(slices.map(|slice| slice.len()), [5, 2, 6]);
    }
}
