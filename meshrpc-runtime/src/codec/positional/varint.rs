//! Integers of variable length.

use super::{
    super::error::{DecodeError, DecodeProblem},
    de::Reader,
};

/// Largest value that is its own byte.
const SINGLE_MAX: u8 = 250;
const TWO_BYTES: u8 = 251;
const FOUR_BYTES: u8 = 252;
const EIGHT_BYTES: u8 = 253;
const SIXTEEN_BYTES: u8 = 254;

macro_rules! put {
    ($($put:ident($type:ty), $put_wide:ident: $marker:ident $(, $narrow:ident($width:ty))*;)*) => {$(
        #[inline]
        pub(super) fn $put(out: &mut Vec<u8>, value: $type) {
            if value <= SINGLE_MAX.into() {
                out.push(value as u8);
            } else {
                $put_wide(out, value);
            }
        }

        /// Most numbers are small: those that are not are written out of line.
        #[inline(never)]
        fn $put_wide(out: &mut Vec<u8>, value: $type) {
            $(if let Ok(value) = <$width>::try_from(value) {
                return put_wide(out, $narrow, value.to_le_bytes());
            })*
            put_wide(out, $marker, value.to_le_bytes());
        }
    )*};
}

put! {
    put_u16(u16), put_wide_u16: TWO_BYTES;
    put_u32(u32), put_wide_u32: FOUR_BYTES, TWO_BYTES(u16);
    put_u64(u64), put_wide_u64: EIGHT_BYTES, TWO_BYTES(u16), FOUR_BYTES(u32);
    put_u128(u128), put_wide_u128: SIXTEEN_BYTES, TWO_BYTES(u16), FOUR_BYTES(u32), EIGHT_BYTES(u64);
}

/// One reservation for marker and value.
#[inline]
fn put_wide<const N: usize>(out: &mut Vec<u8>, marker: u8, value: [u8; N]) {
    out.reserve(N + 1);
    out.push(marker);
    out.extend_from_slice(&value);
}

#[inline]
pub(super) fn take_u16(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    match reader.byte()? {
        byte @ ..=SINGLE_MAX => Ok(byte.into()),
        TWO_BYTES => Ok(u16::from_le_bytes(reader.array()?)),
        byte => Err(invalid(byte, "length of a 16 bit integer")),
    }
}

#[inline]
pub(super) fn take_u32(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    match reader.byte()? {
        byte @ ..=SINGLE_MAX => Ok(byte.into()),
        TWO_BYTES => Ok(u16::from_le_bytes(reader.array()?).into()),
        FOUR_BYTES => Ok(u32::from_le_bytes(reader.array()?)),
        byte => Err(invalid(byte, "length of a 32 bit integer")),
    }
}

#[inline]
pub(super) fn take_u64(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    match reader.byte()? {
        byte @ ..=SINGLE_MAX => Ok(byte.into()),
        TWO_BYTES => Ok(u16::from_le_bytes(reader.array()?).into()),
        FOUR_BYTES => Ok(u32::from_le_bytes(reader.array()?).into()),
        EIGHT_BYTES => Ok(u64::from_le_bytes(reader.array()?)),
        byte => Err(invalid(byte, "length of a 64 bit integer")),
    }
}

#[inline]
pub(super) fn take_u128(reader: &mut Reader<'_>) -> Result<u128, DecodeError> {
    match reader.byte()? {
        byte @ ..=SINGLE_MAX => Ok(byte.into()),
        TWO_BYTES => Ok(u16::from_le_bytes(reader.array()?).into()),
        FOUR_BYTES => Ok(u32::from_le_bytes(reader.array()?).into()),
        EIGHT_BYTES => Ok(u64::from_le_bytes(reader.array()?).into()),
        SIXTEEN_BYTES => Ok(u128::from_le_bytes(reader.array()?)),
        byte => Err(invalid(byte, "length of a 128 bit integer")),
    }
}

#[cold]
fn invalid(byte: u8, expected: &'static str) -> DecodeError {
    DecodeError::new(DecodeProblem::InvalidByte { byte, expected })
}

/// Maps small magnitudes to small numbers: 0, -1, 1, -2, … to 0, 1, 2, 3, …
macro_rules! zigzag {
    ($($fold:ident, $unfold:ident: $signed:ty, $unsigned:ty;)*) => {$(
        #[inline]
        pub(super) fn $fold(value: $signed) -> $unsigned {
            ((value << 1) ^ (value >> (<$signed>::BITS - 1))) as $unsigned
        }

        #[inline]
        pub(super) fn $unfold(value: $unsigned) -> $signed {
            ((value >> 1) as $signed) ^ -((value & 1) as $signed)
        }
    )*};
}

zigzag! {
    fold_i16, unfold_i16: i16, u16;
    fold_i32, unfold_i32: i32, u32;
    fold_i64, unfold_i64: i64, u64;
    fold_i128, unfold_i128: i128, u128;
}
