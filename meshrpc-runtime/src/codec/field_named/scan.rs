//! Finds where a MessagePack value ends, without recursion and without looking at its content.

use super::super::error::{DecodeError, DecodeProblem};

/// What the first byte of a value says.
struct Head {
    /// Bytes of the marker, its length field and its own data.
    own: u64,
    /// Values that belong to it and follow.
    children: u64,
}

/// Bytes of the value that `bytes` begin with.
pub(super) fn value_len(bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut rest = bytes;
    let mut open: u64 = 1;
    while open > 0 {
        let head = head(rest)?;
        let own = usize::try_from(head.own).map_err(|_| unexpected_end())?;
        rest = rest.get(own..).ok_or_else(unexpected_end)?;
        // Each value takes a byte at least.
        open = (open - 1).saturating_add(head.children);
        if open > rest.len() as u64 {
            return Err(unexpected_end());
        }
    }
    Ok(bytes.len() - rest.len())
}

/// The number of entries of the map that `bytes` begin with, and what follows the number.
pub(super) fn map_header(bytes: &[u8]) -> Result<(u64, &[u8]), DecodeError> {
    let is_map = matches!(bytes.first(), Some(0x80..=0x8F | 0xDE | 0xDF));
    let head = head(bytes)?;
    match usize::try_from(head.own)
        .ok()
        .and_then(|own| bytes.get(own..))
    {
        Some(rest) if is_map => Ok((head.children / 2, rest)),
        Some(_) => Err(DecodeError::new(DecodeProblem::NotNamed)),
        None => Err(unexpected_end()),
    }
}

/// The text that `bytes` begin with, and what follows it.
pub(super) fn text(bytes: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let header = match bytes.first() {
        Some(0xA0..=0xBF) => 1,
        Some(0xD9) => 2,
        Some(0xDA) => 3,
        Some(0xDB) => 5,
        Some(_) => return Err(DecodeError::new(DecodeProblem::NotNamed)),
        None => return Err(unexpected_end()),
    };
    let own = usize::try_from(head(bytes)?.own).map_err(|_| unexpected_end())?;
    let (text, rest) = bytes.split_at_checked(own).ok_or_else(unexpected_end)?;
    Ok((text.get(header..).ok_or_else(unexpected_end)?, rest))
}

fn head(bytes: &[u8]) -> Result<Head, DecodeError> {
    let marker = *bytes.first().ok_or_else(unexpected_end)?;
    let leaf = |own| Ok(Head { own, children: 0 });
    let number = |width: usize| -> Result<u64, DecodeError> {
        let digits = bytes.get(1..=width).ok_or_else(unexpected_end)?;
        Ok(digits
            .iter()
            .fold(0, |number, digit| number << 8 | u64::from(*digit)))
    };
    let data = |width: usize, extra: u64| {
        Ok(Head {
            own: 1 + width as u64 + extra + number(width)?,
            children: 0,
        })
    };
    let parent = |width: usize, per_entry: u64| {
        Ok(Head {
            own: 1 + width as u64,
            children: number(width)? * per_entry,
        })
    };
    match marker {
        0x00..=0x7F | 0xC0 | 0xC2 | 0xC3 | 0xE0..=0xFF => leaf(1),
        0x80..=0x8F => Ok(Head {
            own: 1,
            children: u64::from(marker & 0x0F) * 2,
        }),
        0x90..=0x9F => Ok(Head {
            own: 1,
            children: u64::from(marker & 0x0F),
        }),
        0xA0..=0xBF => leaf(1 + u64::from(marker & 0x1F)),
        0xC1 => Err(DecodeError::new(DecodeProblem::InvalidByte {
            byte: marker,
            expected: "MessagePack marker",
        })),
        0xC4 | 0xD9 => data(1, 0),
        0xC5 | 0xDA => data(2, 0),
        0xC6 | 0xDB => data(4, 0),
        0xC7 => data(1, 1),
        0xC8 => data(2, 1),
        0xC9 => data(4, 1),
        0xCC | 0xD0 => leaf(2),
        0xCD | 0xD1 => leaf(3),
        0xCA | 0xCE | 0xD2 => leaf(5),
        0xCB | 0xCF | 0xD3 => leaf(9),
        0xD4 => leaf(3),
        0xD5 => leaf(4),
        0xD6 => leaf(6),
        0xD7 => leaf(10),
        0xD8 => leaf(18),
        0xDC => parent(2, 1),
        0xDD => parent(4, 1),
        0xDE => parent(2, 2),
        0xDF => parent(4, 2),
    }
}

#[cold]
fn unexpected_end() -> DecodeError {
    DecodeError::new(DecodeProblem::UnexpectedEnd)
}
