//! Rendezvous hashing of session keys over stable instance names.

use std::cmp::Reverse;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::wire::MAX_SESSION_KEY;

/// Key, separator and the longest instance name.
const SCRATCH: usize = MAX_SESSION_KEY + 1 + 128;

/// How strongly the session `key` belongs to the instance `name`: xxh3-64 of the key, a zero byte
/// and the name. Part of the protocol: clients of any release and language agree on it.
pub fn score(key: &str, name: &str) -> u64 {
    Scorer::new(key).score(name)
}

/// The index of the name that a session belongs to: the first of [`ranked`], for far less than its
/// price.
pub(crate) fn winner<N: AsRef<str>>(key: &str, names: &[N]) -> Option<usize> {
    let mut scorer = Scorer::new(key);
    let mut best: Option<(u64, usize)> = None;
    for (index, name) in names.iter().enumerate() {
        let score = scorer.score(name.as_ref());
        let better = best.is_none_or(|(highest, at)| {
            score > highest || (score == highest && name.as_ref() < names[at].as_ref())
        });
        if better {
            best = Some((score, index));
        }
    }
    best.map(|(_, index)| index)
}

/// Indices of `names` from the instance that a session belongs to down to its last resort. Equal
/// scores are ordered by name.
pub fn ranked<N: AsRef<str>>(key: &str, names: &[N]) -> Vec<usize> {
    let mut scorer = Scorer::new(key);
    let mut order: Vec<(Reverse<u64>, &str, usize)> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let name = name.as_ref();
            (Reverse(scorer.score(name)), name, index)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, _, index)| index).collect()
}

/// One key, and room for the names it is hashed with.
struct Scorer<'a> {
    key: &'a [u8],
    bytes: [u8; SCRATCH],
}

impl<'a> Scorer<'a> {
    fn new(key: &'a str) -> Self {
        let (key, mut bytes) = (key.as_bytes(), [0; SCRATCH]);
        if key.len() < SCRATCH {
            bytes[..key.len()].copy_from_slice(key);
        }
        Self { key, bytes }
    }

    fn score(&mut self, name: &str) -> u64 {
        let name = name.as_bytes();
        let start = self.key.len() + 1;
        // Hashing one slice is several times cheaper than feeding the streaming state.
        if let Some(room) = self.bytes.get_mut(start..start + name.len()) {
            room.copy_from_slice(name);
            return xxh3_64(&self.bytes[..start + name.len()]);
        }
        let mut hash = Xxh3::new();
        hash.update(self.key);
        hash.update(&[0]);
        hash.update(name);
        hash.digest()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_and_short_input_hash_alike() {
        let key = "k".repeat(300);
        let mut bytes = key.clone().into_bytes();
        bytes.push(0);
        bytes.extend_from_slice(b"greeter-1");
        assert_eq!(score(&key, "greeter-1"), xxh3_64(&bytes));
        assert_eq!(score("k", "n"), xxh3_64(b"k\0n"));
    }

    proptest! {
        #[test]
        fn the_winner_is_the_first_in_the_order(
            names in prop::collection::vec("[a-c]{0,3}", 0..20),
            key in "[a-z0-9]{0,20}",
        ) {
            // Equal names are one instance; either index is it.
            let first = ranked(&key, &names).first().map(|&index| &names[index]);
            prop_assert_eq!(winner(&key, &names).map(|index| &names[index]), first);
        }

        #[test]
        fn only_the_keys_of_an_instance_that_leaves_move(
            count in 2_usize..12,
            leaver in 0_usize..12,
            keys in prop::collection::vec("[a-z0-9]{1,12}", 1..40),
        ) {
            let names: Vec<String> = (0..count).map(|n| format!("greeter-{n}")).collect();
            let gone = &names[leaver % count];
            let rest: Vec<&String> = names.iter().filter(|name| *name != gone).collect();
            for key in &keys {
                let before = &names[ranked(key, &names)[0]];
                let after = rest[ranked(key, &rest)[0]];
                prop_assert!(before == gone || before == after);
            }
        }

        #[test]
        fn the_order_of_the_list_does_not_matter(
            mut names in prop::collection::hash_set("[a-z]{1,8}", 1..10)
                .prop_map(|names| names.into_iter().collect::<Vec<_>>()),
            key in "[a-z0-9]{0,20}",
        ) {
            let winner = names[ranked(&key, &names)[0]].clone();
            names.reverse();
            prop_assert_eq!(winner, names[ranked(&key, &names)[0]].clone());
        }
    }
}
