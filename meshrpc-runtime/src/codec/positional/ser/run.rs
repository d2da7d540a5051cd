//! Runs of bytes, written many at a time.

use serde::ser::{Serialize, SerializeSeq};

use super::{Elements, byte::Byte};
use crate::codec::error::EncodeError;

/// Bytes that are gathered.
const RUN: usize = 256;

impl Elements<'_, '_> {
    /// Writes elements that are read as bytes, and that most likely are.
    pub(super) fn put_bytes<I>(&mut self, mut elements: I) -> Result<(), EncodeError>
    where
        I: Iterator,
        I::Item: Serialize,
    {
        let mut run = [0; RUN];
        loop {
            let room = self.left.min(RUN);
            let mut filled = 0;
            let mut other = None;
            for (place, element) in run[..room].iter_mut().zip(elements.by_ref()) {
                match element.serialize(Byte) {
                    Ok(byte) => *place = byte,
                    Err(_) => {
                        other = Some(element);
                        break;
                    }
                }
                filled += 1;
            }
            self.writer.out.extend_from_slice(&run[..filled]);
            self.left -= filled;
            if let Some(element) = other {
                self.serialize_element(&element)?;
            } else if filled < RUN {
                break;
            }
        }
        // Any that is left is one too many.
        elements.try_for_each(|element| self.serialize_element(&element))
    }
}
