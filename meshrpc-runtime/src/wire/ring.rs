//! What is remembered by stream id.

use std::{collections::HashMap, hash::BuildHasherDefault, iter, mem, thread::LocalKey};

use self::hasher::IdHasher;
use super::buffers::{Collection, Spare};

/// Places that a ring begins with.
const FEW: usize = 4;

/// Values by stream id.
///
/// Ids grow, and few are in use at a time: so a value stands at the low bits of its id, and the
/// whole id beside it tells whether it is still the same one. That is a look without a hash. Where
/// two ids in use meet at one place, the places are doubled, as long as they stay in proportion to
/// what they hold; a peer that chooses its ids so that they go on meeting gets a hash table.
///
/// An empty ring has no places: they are the [thread's](Kept::spare) then.
#[derive(Debug)]
pub(crate) struct Ring<T: Kept> {
    /// A power of two, or none.
    places: Places<T>,
    /// Values whose places were taken.
    strays: HashMap<u64, T, BuildHasherDefault<IdHasher>>,
    len: usize,
}

/// Room for values.
#[derive(Debug)]
pub(crate) struct Places<T>(Vec<Option<(u64, T)>>);

/// A kind of values whose places a thread keeps while they are empty.
pub(crate) trait Kept: Sized + 'static {
    /// Where.
    fn spare() -> &'static LocalKey<Spare<Places<Self>>>;
}

impl<T: Kept> Ring<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, id: u64) -> Option<&T> {
        match self.places.0.get(self.place(id)) {
            Some(Some((known, value))) if *known == id => Some(value),
            _ if self.strays.is_empty() => None,
            _ => self.strays.get(&id),
        }
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        let place = self.place(id);
        match self.places.0.get_mut(place) {
            Some(Some((known, value))) if *known == id => Some(value),
            _ if self.strays.is_empty() => None,
            _ => self.strays.get_mut(&id),
        }
    }

    /// Remembers `value`, in the place of what was known under `id`.
    #[inline]
    pub(crate) fn insert(&mut self, id: u64, value: T) {
        let place = self.place(id);
        match self.places.0.get_mut(place) {
            Some(free @ None) if self.strays.is_empty() => {
                self.len += 1;
                *free = Some((id, value));
            }
            _ => self.make_room(id, value),
        }
    }

    fn make_room(&mut self, id: u64, value: T) {
        if let Some(known) = self.get_mut(id) {
            *known = value;
            return;
        }
        if self.len == 0 {
            Spare::lend(T::spare(), &mut self.places);
        }
        self.len += 1;
        loop {
            let (place, enough) = (self.place(id), self.places.0.len() >= 2 * self.len);
            match self.places.0.get_mut(place) {
                Some(free @ None) => {
                    *free = Some((id, value));
                    return;
                }
                Some(Some(_)) if enough => {
                    self.strays.insert(id, value);
                    return;
                }
                _ => self.spread(),
            }
        }
    }

    /// Forgets what is known under `id`.
    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        let place = self.place(id);
        let placed = self.places.0.get_mut(place);
        let placed = placed.and_then(|place| place.take_if(|(known, _)| *known == id));
        let removed = match placed {
            Some((_, value)) => Some(value),
            None if self.strays.is_empty() => None,
            None => self.strays.remove(&id),
        };
        if removed.is_some() {
            self.one_less();
        }
        removed
    }

    /// The same, where nobody wants it any more.
    pub(crate) fn forget(&mut self, id: u64) {
        let place = self.place(id);
        match self.places.0.get_mut(place) {
            Some(place @ Some(_)) if place.as_ref().is_some_and(|(known, _)| *known == id) => {
                *place = None;
                self.one_less();
            }
            _ => drop(self.remove(id)),
        }
    }

    fn one_less(&mut self) {
        self.len -= 1;
        if self.len == 0 {
            Spare::take_back(T::spare(), &mut self.places);
            if self.strays.capacity() > 0 {
                self.strays = HashMap::default();
            }
        }
    }

    /// Ids and values, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let placed = self
            .places
            .0
            .iter()
            .flatten()
            .map(|(id, value)| (*id, value));
        placed.chain(self.strays.iter().map(|(id, value)| (*id, value)))
    }

    /// The ids that `wanted` picks, in order.
    pub(crate) fn ids(&self, wanted: impl Fn(u64, &T) -> bool) -> Vec<u64> {
        let wanted = self.iter().filter(|(id, value)| wanted(*id, value));
        let mut ids: Vec<u64> = wanted.map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids
    }

    /// The lowest bit of an id says who chose it, and is the same for all.
    fn place(&self, id: u64) -> usize {
        (id >> 1) as usize & self.places.0.len().wrapping_sub(1)
    }

    /// Doubles the places. Ids at different places stay so.
    fn spread(&mut self) {
        let more = (2 * self.places.0.len()).max(FEW);
        let places = iter::repeat_with(|| None).take(more).collect();
        let before = mem::replace(&mut self.places.0, places);
        for (id, value) in before.into_iter().flatten() {
            let place = self.place(id);
            self.places.0[place] = Some((id, value));
        }
    }
}

impl<T> Collection for Places<T> {
    fn room(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Kept> Default for Ring<T> {
    fn default() -> Self {
        Self {
            places: Places::default(),
            strays: HashMap::default(),
            len: 0,
        }
    }
}

mod hasher {
    use std::hash::Hasher;

    /// Ids are few at a time: a multiplication spreads them well enough, and a peer that chooses
    /// them badly hurts at most `max_streams` look-ups.
    #[derive(Default)]
    pub(super) struct IdHasher(u64);

    impl Hasher for IdHasher {
        fn write(&mut self, bytes: &[u8]) {
            for &byte in bytes {
                self.write_u64(byte.into());
            }
        }

        fn write_u64(&mut self, id: u64) {
            self.0 = (self.0 ^ id)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(26);
        }

        fn finish(&self) -> u64 {
            self.0
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    thread_local! {
        static NUMBERS: Spare<Places<u64>> = const { Spare::new(1) };
        static PAIRS: Spare<Places<(u64, u8)>> = const { Spare::new(1) };
    }

    impl Kept for u64 {
        fn spare() -> &'static LocalKey<Spare<Places<Self>>> {
            &NUMBERS
        }
    }

    impl Kept for (u64, u8) {
        fn spare() -> &'static LocalKey<Spare<Places<Self>>> {
            &PAIRS
        }
    }

    #[test]
    fn ids_that_go_on_meeting_cost_no_places() {
        let mut ring = Ring::default();
        for call in 0..100_u64 {
            ring.insert(call << 20, call);
        }
        assert!(ring.places.0.len() <= 256, "{} places", ring.places.0.len());
        assert_eq!(ring.ids(|_, _| true).len(), 100);
        assert_eq!(ring.get(99 << 20), Some(&99));
    }

    #[test]
    fn an_empty_ring_has_no_places_and_the_next_one_uses_them() {
        let mut ring = Ring::default();
        for id in 0..1000 {
            ring.insert(2 * id, id);
        }
        let places = ring.places.0.as_ptr();
        for id in 0..1000 {
            assert_eq!(ring.remove(2 * id), Some(id));
        }
        assert!(ring.len() == 0 && ring.places.0.capacity() == 0);
        let mut next = Ring::default();
        next.insert(1, 1);
        assert_eq!(next.places.0.as_ptr(), places);
        assert_eq!(next.ids(|_, _| true), [1]);
    }

    proptest! {
        /// However ids are chosen, it is the map that it stands for.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0_u64..4, 0_u64..12, any::<u8>()), 0..300)) {
            let (mut ring, mut map) = (Ring::default(), BTreeMap::new());
            for (step, id, shift) in steps {
                let id = id << (shift % 40);
                match step {
                    0 if shift % 2 == 0 => prop_assert_eq!(ring.remove(id), map.remove(&id)),
                    0 => {
                        ring.forget(id);
                        map.remove(&id);
                    }
                    1 => prop_assert_eq!(ring.get(id), map.get(&id)),
                    2 => prop_assert_eq!(ring.get_mut(id), map.get_mut(&id)),
                    _ => {
                        ring.insert(id, (id, shift));
                        map.insert(id, (id, shift));
                    }
                }
                prop_assert_eq!(ring.len(), map.len());
                prop_assert_eq!(ring.ids(|_, _| true), map.keys().copied().collect::<Vec<_>>());
            }
        }
    }
}
