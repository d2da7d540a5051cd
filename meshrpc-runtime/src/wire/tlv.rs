//! Tagged values: `id u16 (bit 15: critical) · len u16 · value`, in hellos and heads.

use bytes::{Buf, Bytes};

use super::fault::Fault;

/// Set in the id of a value that a peer must not ignore.
pub(crate) const CRITICAL: u16 = 0x8000;

/// Bytes before a value.
pub(crate) const HEADER: usize = 4;

/// Appends a value. One longer than a length can say is a fault of this side's checks, and cut.
pub(crate) fn put(out: &mut Vec<u8>, id: u16, value: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&id.to_le_bytes());
    let len_at = out.len();
    out.extend_from_slice(&[0; 2]);
    value(out);
    let len = out.len() - len_at - 2;
    debug_assert!(
        len <= usize::from(u16::MAX),
        "a tagged value has at most 65,535 bytes"
    );
    out[len_at..len_at + 2].copy_from_slice(&(len as u16).to_le_bytes());
}

/// Walks the tagged values of `input`.
pub(crate) fn each(
    mut input: Bytes,
    mut visit: impl FnMut(u16, Bytes) -> Result<(), Fault>,
) -> Result<(), Fault> {
    while !input.is_empty() {
        if input.len() < HEADER {
            return Err(Fault::Malformed("a tagged value is cut short"));
        }
        let id = input.get_u16_le();
        let len = usize::from(input.get_u16_le());
        if input.len() < len {
            return Err(Fault::Malformed("a tagged value is cut short"));
        }
        visit(id, input.split_to(len))?;
    }
    Ok(())
}

/// Text of a tagged value.
pub(crate) fn text(value: &Bytes) -> Result<&str, Fault> {
    std::str::from_utf8(value).map_err(|_| Fault::Malformed("text is not UTF-8"))
}

/// A value of exactly `N` bytes.
pub(crate) fn array<const N: usize>(value: &[u8]) -> Result<[u8; N], Fault> {
    value
        .try_into()
        .map_err(|_| Fault::Malformed("a tagged value has a wrong length"))
}
