//! One frame that does not arrive as it was sent: what reaches a caller or a handler as a whole is
//! then still what was sent, or nothing is.

use std::ops::Range;

use fastrand::Rng;
use meshrpc::wire::{Checksum, FrameType, HEADER_LEN};

use super::spy::frames;

/// From its end, the byte of a server's hello that its proof is not about: in it a bit says that the
/// proof is critical, which nobody heeds.
const UNPROVED: usize = 35;

/// What befalls a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// One bit is another.
    Flipped,
    /// It is missing.
    Missing,
    /// It comes twice.
    Twice,
    /// Bytes within a body come as those of another call, under a sum that agrees.
    Readdressed,
    /// One bit of what a frame of this type says is another, under a sum that agrees.
    Forged(FrameType),
}

/// A frame that is held back while it passes, to be let go as something else.
#[derive(Debug)]
pub(crate) struct Detour {
    damage: Damage,
    /// Where it stands in its direction.
    at: Range<u64>,
    held: Vec<u8>,
}

impl Detour {
    /// Picks one of the frames in `output`, which stands at `begin` of its direction.
    pub(crate) fn pick(
        damage: Damage,
        output: &[u8],
        begin: u64,
        checksum: Checksum,
        rng: &mut Rng,
    ) -> Option<Self> {
        let places: Vec<Range<u64>> = frames(output, begin == 0)
            .filter(|frame| match damage {
                Damage::Readdressed => frame.kind == FrameType::Data as u8 && !frame.end,
                Damage::Forged(kind) => frame.kind == kind as u8,
                _ => true,
            })
            .map(|frame| {
                let after =
                    output.as_ptr_range().end as usize - frame.payload.as_ptr_range().end as usize;
                let end = output.len() - after;
                let start = end - frame.payload.len() - HEADER_LEN;
                begin + start as u64..begin + end as u64
            })
            .collect();
        if places.is_empty() || damage == Damage::Flipped && checksum == Checksum::Off {
            return None;
        }
        // As often as it has bytes.
        let bytes: u64 = places.iter().map(|at| at.end - at.start).sum();
        let mut byte = rng.u64(0..bytes);
        let at = places.into_iter().find(|at| {
            let hit = byte < at.end - at.start;
            byte = byte.saturating_sub(at.end - at.start);
            hit
        })?;
        Some(Self {
            damage,
            at,
            held: Vec::new(),
        })
    }

    /// What becomes of `bytes`, which stand at `begin` of the direction.
    pub(crate) fn pass(
        &mut self,
        bytes: &[u8],
        begin: u64,
        checksum: Checksum,
        rng: &mut Rng,
    ) -> Vec<u8> {
        let len = bytes.len() as u64;
        let place = |at: u64| at.saturating_sub(begin).min(len) as usize;
        let (start, end) = (place(self.at.start), place(self.at.end));
        let mut out = bytes[..start].to_vec();
        self.held.extend_from_slice(&bytes[start..end]);
        if !self.held.is_empty() && begin + len >= self.at.end {
            out.extend(self.let_go(checksum, rng));
        }
        out.extend_from_slice(&bytes[end..]);
        out
    }

    fn let_go(&mut self, checksum: Checksum, rng: &mut Rng) -> Vec<u8> {
        let mut frame = std::mem::take(&mut self.held);
        match self.damage {
            Damage::Missing => frame.clear(),
            Damage::Twice => frame.extend_from_within(..),
            Damage::Flipped => {
                let at = rng.usize(0..frame.len());
                frame[at] ^= 1 << rng.u8(0..8);
            }
            Damage::Readdressed => {
                // Ids are even, and those beside it are likely to be in use.
                frame[5] = frame[5].wrapping_add(if rng.bool() { 2 } else { 254 });
                put_sum(&mut frame, checksum);
            }
            Damage::Forged(kind) => {
                let mut at = rng.usize(HEADER_LEN..frame.len());
                if kind == FrameType::ServerHello && at == frame.len() - UNPROVED {
                    at += 1;
                }
                frame[at] ^= 1 << rng.u8(0..8);
                // Hellos have one before it is known whether the rest has.
                put_sum(
                    &mut frame,
                    match kind {
                        FrameType::Auth => checksum,
                        _ => Checksum::Crc32,
                    },
                );
            }
        }
        frame
    }
}

fn put_sum(frame: &mut [u8], checksum: Checksum) {
    let sum = checksum.sum(&frame[..12], &frame[HEADER_LEN..]);
    frame[12..HEADER_LEN].copy_from_slice(&sum.to_le_bytes());
}
