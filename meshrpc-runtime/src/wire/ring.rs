//! What is remembered by stream id.

use std::{collections::HashMap, hash::BuildHasherDefault, iter, mem};

use self::hasher::IdHasher;

/// Places that a ring keeps when it is empty.
const FEW: usize = 4;

/// Values by stream id.
///
/// Ids grow, and few are in use at a time: so a value stands at the low bits of its id, and the
/// whole id beside it tells whether it is still the same one. That is a look without a hash. Where
/// two ids in use meet at one place, the places are doubled, as long as they stay in proportion to
/// what they hold; a peer that chooses its ids so that they go on meeting gets a hash table.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    /// A power of two, or none yet.
    places: Vec<Option<(u64, T)>>,
    /// Values whose places were taken.
    strays: HashMap<u64, T, BuildHasherDefault<IdHasher>>,
    len: usize,
}

impl<T> Ring<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, id: u64) -> Option<&T> {
        match self.places.get(self.place(id)) {
            Some(Some((known, value))) if *known == id => Some(value),
            _ if self.strays.is_empty() => None,
            _ => self.strays.get(&id),
        }
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        let place = self.place(id);
        match self.places.get_mut(place) {
            Some(Some((known, value))) if *known == id => Some(value),
            _ if self.strays.is_empty() => None,
            _ => self.strays.get_mut(&id),
        }
    }

    /// Remembers `value`, in the place of what was known under `id`.
    pub(crate) fn insert(&mut self, id: u64, value: T) {
        if let Some(known) = self.get_mut(id) {
            *known = value;
            return;
        }
        self.len += 1;
        loop {
            let (place, enough) = (self.place(id), self.places.len() >= 2 * self.len);
            match self.places.get_mut(place) {
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

    /// Forgets what is known under `id`. What many values needed is given back with the last one.
    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        let place = self.place(id);
        let placed = self.places.get_mut(place);
        let placed = placed.and_then(|place| place.take_if(|(known, _)| *known == id));
        let removed = match placed {
            Some((_, value)) => Some(value),
            None if self.strays.is_empty() => None,
            None => self.strays.remove(&id),
        };
        self.len -= usize::from(removed.is_some());
        if self.len == 0 && (self.places.len() > FEW || self.strays.capacity() > 0) {
            *self = Self::default();
        }
        removed
    }

    /// Ids and values, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let placed = self.places.iter().flatten().map(|(id, value)| (*id, value));
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
        (id >> 1) as usize & self.places.len().wrapping_sub(1)
    }

    /// Doubles the places. Ids at different places stay so.
    fn spread(&mut self) {
        let more = (2 * self.places.len()).max(FEW);
        let places = iter::repeat_with(|| None).take(more).collect();
        let before = mem::replace(&mut self.places, places);
        for (id, value) in before.into_iter().flatten() {
            let place = self.place(id);
            self.places[place] = Some((id, value));
        }
    }
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
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

    #[test]
    fn ids_that_go_on_meeting_cost_no_places() {
        let mut ring = Ring::default();
        for call in 0..100_u64 {
            ring.insert(call << 20, call);
        }
        assert!(ring.places.len() <= 256, "{} places", ring.places.len());
        assert_eq!(ring.ids(|_, _| true).len(), 100);
        assert_eq!(ring.get(99 << 20), Some(&99));
    }

    #[test]
    fn an_empty_ring_keeps_few_places() {
        let mut ring = Ring::default();
        for id in 0..1000 {
            ring.insert(2 * id, id);
        }
        for id in 0..1000 {
            assert_eq!(ring.remove(2 * id), Some(id));
        }
        assert!(ring.len() == 0 && ring.places.capacity() <= FEW);
    }

    proptest! {
        /// However ids are chosen, it is the map that it stands for.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0_u64..4, 0_u64..12, any::<u8>()), 0..300)) {
            let (mut ring, mut map) = (Ring::default(), BTreeMap::new());
            for (step, id, shift) in steps {
                let id = id << (shift % 40);
                match step {
                    0 => prop_assert_eq!(ring.remove(id), map.remove(&id)),
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
