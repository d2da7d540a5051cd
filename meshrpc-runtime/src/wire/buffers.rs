//! Buffers that are used again.
//!
//! A busy connection needs them all the time, and an idle one holds none: so each thread keeps a few
//! for whoever is next.

use std::cell::RefCell;

use bytes::BytesMut;

/// Bytes that a short buffer has room for at most, and at least when it is new.
pub(crate) const SHORT: usize = 1024;
const NEW: usize = 128;
/// The same of a long one.
const LONG: usize = 64 << 10;
/// How many of either are kept.
const SHORT_ONES: usize = 32;
const LONG_ONES: usize = 2;

#[derive(Default)]
struct Kept {
    short: Vec<Vec<u8>>,
    long: Vec<Vec<u8>>,
    input: Vec<BytesMut>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// An empty buffer for a message that is probably small.
pub(crate) fn short() -> Vec<u8> {
    let kept = KEPT.try_with(|kept| kept.borrow_mut().short.pop());
    kept.ok()
        .flatten()
        .unwrap_or_else(|| Vec::with_capacity(NEW))
}

/// An empty buffer for the frames of one write.
pub(super) fn long() -> Vec<u8> {
    let kept = KEPT.try_with(|kept| kept.borrow_mut().long.pop());
    kept.ok()
        .flatten()
        .unwrap_or_else(|| Vec::with_capacity(SHORT + 1))
}

/// Keeps a buffer that is not needed any more, or lets it go.
pub(crate) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > LONG {
        return;
    }
    buffer.clear();
    // A thread that ends keeps nothing.
    let _ = KEPT.try_with(|kept| {
        let kept = &mut *kept.borrow_mut();
        let (kept, most) = match buffer.capacity() <= SHORT {
            true => (&mut kept.short, SHORT_ONES),
            false => (&mut kept.long, LONG_ONES),
        };
        if kept.len() < most {
            kept.push(buffer);
        }
    });
}

/// An empty buffer to read to.
pub(crate) fn input() -> BytesMut {
    let kept = KEPT.try_with(|kept| kept.borrow_mut().input.pop());
    kept.ok().flatten().unwrap_or_default()
}

/// Keeps a buffer that was read to, unless what was read is still somewhere.
pub(crate) fn give_input(mut buffer: BytesMut) {
    buffer.clear();
    if buffer.capacity() > LONG || !buffer.try_reclaim(LONG) {
        return;
    }
    let _ = KEPT.try_with(|kept| {
        let kept = &mut kept.borrow_mut().input;
        if kept.len() < LONG_ONES {
            kept.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_and_a_huge_one_is_not() {
        give(Vec::with_capacity(LONG + 1));
        assert!(long().capacity() <= LONG);
        let buffer = b"some bytes".to_vec();
        let place = buffer.as_ptr();
        give(buffer);
        let again = short();
        assert!(again.is_empty() && again.as_ptr() == place);
    }

    #[test]
    fn few_are_kept() {
        (0..2 * SHORT_ONES).for_each(|_| give(Vec::with_capacity(NEW)));
        (0..2 * LONG_ONES).for_each(|_| give(Vec::with_capacity(LONG)));
        KEPT.with(|kept| {
            assert_eq!(kept.borrow().short.len(), SHORT_ONES);
            assert_eq!(kept.borrow().long.len(), LONG_ONES);
        });
    }
}
