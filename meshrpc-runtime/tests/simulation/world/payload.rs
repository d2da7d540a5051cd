//! What calls carry: bytes that tell one direction of one call from any other.

use std::{ops::Range, sync::OnceLock};

use bytes::Bytes;
use fastrand::Rng;

/// Longest body.
pub(crate) const LONGEST: u64 = 1 << 20;

/// Where the bodies begin in the noise they are cut from.
const BEGINNINGS: u64 = 1 << 20;

/// Which way a body travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Request,
    Reply,
}

/// Bytes `range` of a body of the call with this number.
pub(crate) fn payload(call: u64, way: Way, range: Range<u64>) -> Bytes {
    static NOISE: OnceLock<Bytes> = OnceLock::new();
    let noise = NOISE.get_or_init(|| {
        let mut noise = vec![0; (BEGINNINGS + LONGEST) as usize];
        Rng::with_seed(0).fill(&mut noise);
        noise.into()
    });
    let number = call << 1 | u64::from(way == Way::Reply);
    let beginning = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44;
    noise.slice((beginning + range.start) as usize..(beginning + range.end) as usize)
}
