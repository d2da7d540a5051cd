//! Pages of long messages, and those that are kept for the next one.
//!
//! New pages are made, and cleared, one by one as they are first written: that takes as long as to
//! receive what goes there. So the pages of a message that was dropped are kept for a moment.

use std::{
    mem,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use memmap2::MmapMut;

/// Bytes that all connections of a process keep at most.
const MOST: usize = 128 << 20;

static KEPT: AtomicUsize = AtomicUsize::new(0);

/// Pages of a message. Dropped, they are kept where they came from, if there is a place for them.
#[derive(Debug)]
pub(crate) struct Pages {
    map: Option<MmapMut>,
    /// They may be huge ones.
    huge: bool,
    place: Weak<SparePages>,
}

/// A place for pages that were used, until a message of about their length comes. What is in it is
/// freed with it.
#[derive(Debug, Default)]
pub(crate) struct SparePages(Mutex<Option<Kept>>);

/// Pages, and whether they may be huge.
#[derive(Debug)]
struct Kept(MmapMut, bool);

impl Pages {
    /// At least `len` bytes; `None` where there is no room for as many.
    pub(super) fn new(len: usize, spare: Option<&Arc<SparePages>>) -> Option<Self> {
        let (map, huge) = match spare.and_then(|spare| spare.take(len)) {
            Some(kept) => kept,
            None => (MmapMut::map_anon(len).ok()?, false),
        };
        Some(Self {
            map: Some(map),
            huge,
            place: spare.map(Arc::downgrade).unwrap_or_default(),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.as_ref().len()
    }

    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        self.map.as_deref_mut().unwrap_or_default()
    }

    /// From now on they may be huge ones. Where that is not known, or not wanted, they stay small.
    pub(super) fn advise_huge(&mut self) {
        if mem::replace(&mut self.huge, true) {
            return;
        }
        #[cfg(target_os = "linux")]
        if let Some(map) = &self.map {
            let _ = map.advise(memmap2::Advice::HugePage);
        }
    }
}

impl AsRef<[u8]> for Pages {
    fn as_ref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if let (Some(map), Some(place)) = (self.map.take(), self.place.upgrade()) {
            place.keep(Kept(map, self.huge));
        }
    }
}

impl SparePages {
    /// Pages for `len` bytes, and not for many more.
    fn take(&self, len: usize) -> Option<(MmapMut, bool)> {
        let fits = |kept: &mut Kept| (len..=len.saturating_mul(2)).contains(&kept.0.len());
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept(map, huge) = place.take_if(fits)?;
        KEPT.fetch_sub(map.len(), Ordering::Relaxed);
        Some((map, huge))
    }

    /// Keeps the pages that were used last.
    fn keep(&self, pages: Kept) {
        let len = pages.0.len();
        let more = |kept: usize| kept.checked_add(len).filter(|sum| *sum <= MOST);
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Kept(before, _)) = place.take() {
            KEPT.fetch_sub(before.len(), Ordering::Relaxed);
        }
        if KEPT
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
        {
            *place = Some(pages);
        }
    }
}

impl Drop for SparePages {
    fn drop(&mut self) {
        let place = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(Kept(map, _)) = place.take() {
            KEPT.fetch_sub(map.len(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test: what all connections keep is one number.
    #[test]
    fn pages_are_kept_as_long_as_their_place_and_within_bounds() {
        let place = Arc::<SparePages>::default();
        let address = |pages: &Pages| pages.as_ref().as_ptr().addr();
        let mut first = Pages::new(5 << 20, Some(&place)).expect("room");
        first.as_mut()[0] = 7;
        let before = address(&first);
        drop(first);
        assert_eq!(KEPT.load(Ordering::Relaxed), 5 << 20);

        let longer = Pages::new(6 << 20, Some(&place)).expect("room");
        let shorter = Pages::new(2 << 20, Some(&place)).expect("room");
        assert!(address(&longer) != before && address(&shorter) != before);
        let again = Pages::new(4 << 20, Some(&place)).expect("room");
        assert_eq!(address(&again), before, "they are used again");
        assert_eq!(KEPT.load(Ordering::Relaxed), 0);

        drop(Pages::new(MOST + 1, Some(&place)));
        assert_eq!(KEPT.load(Ordering::Relaxed), 0, "those are too many");
        drop(again);
        drop(longer);
        assert_eq!(KEPT.load(Ordering::Relaxed), 6 << 20, "the last ones stay");
        drop(place);
        drop(shorter);
        assert_eq!(KEPT.load(Ordering::Relaxed), 0, "nowhere to be kept");
    }
}
