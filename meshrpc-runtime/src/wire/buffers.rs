//! Memory that is used again.
//!
//! A busy connection needs it all the time, and an idle one holds none: so each thread keeps a little
//! for whoever is next.

use std::{cell::RefCell, collections::VecDeque, mem, thread::LocalKey};

use bytes::BytesMut;

/// Bytes that a short buffer has room for at most, and at least when it is new.
pub(crate) const SHORT: usize = 1024;
const NEW: usize = 128;
/// The same of a long one.
const LONG: usize = 64 << 10;
/// Values that a collection has room for at most that is kept.
const MANY: usize = 1024;

thread_local! {
    static SHORT_ONES: Spare<Vec<u8>> = const { Spare::new(32) };
    static LONG_ONES: Spare<Vec<u8>> = const { Spare::new(2) };
    static INPUT: Spare<BytesMut> = const { Spare::new(2) };
}

/// What a thread keeps of one kind, empty.
#[derive(Debug)]
pub(crate) struct Spare<T> {
    kept: RefCell<Vec<T>>,
    most: usize,
}

/// A collection that can be kept.
pub(crate) trait Collection: Default {
    /// Values that there is room for.
    fn room(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool;
}

impl<T> Spare<T> {
    /// For at most so many.
    pub(crate) const fn new(most: usize) -> Self {
        let kept = RefCell::new(Vec::new());
        Self { kept, most }
    }

    fn pop(spare: &'static LocalKey<Self>) -> Option<T> {
        // A thread that ends keeps nothing.
        let kept = spare.try_with(|spare| spare.kept.borrow_mut().pop());
        kept.ok().flatten()
    }

    fn push(spare: &'static LocalKey<Self>, value: T) {
        let _ = spare.try_with(|spare| {
            let mut kept = spare.kept.borrow_mut();
            if kept.len() < spare.most {
                kept.push(value);
            }
        });
    }
}

impl<T: Collection> Spare<T> {
    /// Gives `place` room, if it has none and there is some.
    #[inline]
    pub(crate) fn lend(spare: &'static LocalKey<Self>, place: &mut T) {
        if place.room() == 0
            && let Some(kept) = Self::pop(spare)
        {
            *place = kept;
        }
    }

    /// Takes the room of `place` back, which has to be empty.
    #[inline]
    pub(crate) fn take_back(spare: &'static LocalKey<Self>, place: &mut T) {
        debug_assert!(place.is_empty(), "what is kept is empty");
        if place.room() > 0 {
            let kept = mem::take(place);
            if kept.room() <= MANY {
                Self::push(spare, kept);
            }
        }
    }
}

impl<T> Collection for Vec<T> {
    fn room(&self) -> usize {
        self.capacity()
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Collection for VecDeque<T> {
    fn room(&self) -> usize {
        self.capacity()
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

/// An empty buffer for a message that is probably small.
pub(crate) fn short() -> Vec<u8> {
    Spare::pop(&SHORT_ONES).unwrap_or_else(|| Vec::with_capacity(NEW))
}

/// An empty buffer for the frames of one write.
pub(super) fn long() -> Vec<u8> {
    Spare::pop(&LONG_ONES).unwrap_or_else(|| Vec::with_capacity(SHORT + 1))
}

/// Keeps a buffer that is not needed any more, or lets it go.
pub(crate) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > LONG {
        return;
    }
    buffer.clear();
    match buffer.capacity() <= SHORT {
        true => Spare::push(&SHORT_ONES, buffer),
        false => Spare::push(&LONG_ONES, buffer),
    }
}

/// An empty buffer to read to.
pub(crate) fn input() -> BytesMut {
    Spare::pop(&INPUT).unwrap_or_default()
}

/// Keeps a buffer that was read to, unless what was read is still somewhere.
pub(crate) fn give_input(mut buffer: BytesMut) {
    buffer.clear();
    if buffer.capacity() <= LONG && buffer.try_reclaim(LONG) {
        Spare::push(&INPUT, buffer);
    }
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
        (0..100).for_each(|_| give(Vec::with_capacity(NEW)));
        (0..100).for_each(|_| give(Vec::with_capacity(LONG)));
        SHORT_ONES.with(|short| assert_eq!(short.kept.borrow().len(), short.most));
        LONG_ONES.with(|long| assert_eq!(long.kept.borrow().len(), long.most));
    }

    #[test]
    fn room_is_lent_to_who_has_none() {
        thread_local! {
            static ROOM: Spare<Vec<u64>> = const { Spare::new(1) };
        }
        let mut one = Vec::with_capacity(MANY);
        let place = one.as_ptr();
        Spare::take_back(&ROOM, &mut one);
        assert_eq!(one.capacity(), 0, "it has given its room back");
        let mut other = Vec::new();
        Spare::lend(&ROOM, &mut other);
        assert_eq!(other.as_ptr(), place);
        Spare::take_back(&ROOM, &mut Vec::with_capacity(MANY + 1));
        Spare::lend(&ROOM, &mut one);
        assert_eq!(one.capacity(), 0, "so much is not kept");
    }
}
