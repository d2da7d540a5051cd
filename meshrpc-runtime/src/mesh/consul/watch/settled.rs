//! What to make of a list that comes after an outage.
//!
//! An agent that has just come back may not have heard of every instance yet: one that lost its
//! state learns of them as they register again, and a server that has just been elected answers
//! before it knows all nodes. Such a list must not end connections that work. For some time,
//! instances that were known before the outage and are missing after it stay; those that are gone
//! indeed end their connections themselves, or do not answer. One that is in maintenance was taken
//! out on purpose, which no outage does.

use std::time::{Duration, Instant};

use crate::discovery::{Endpoint, Instance};

/// How long instances stay that are missing after an outage. A first list that misses none may be
/// from before it: checks that expired meanwhile are told after that, and are well again after a
/// beat. Services register again within
/// seconds, once they notice; servers that lost sight of a node look for it every half minute.
const SETTLE: Duration = Duration::from_secs(35);

/// The last list, and whether the next is to be doubted.
#[derive(Debug, Default)]
pub(super) struct Settled {
    last: Vec<Endpoint>,
    doubted_until: Option<Instant>,
}

impl Settled {
    /// The answers from now on follow an outage.
    pub(super) fn doubt(&mut self, now: Instant) {
        if !self.last.is_empty() {
            self.doubted_until = Some(now + SETTLE);
        }
    }

    /// Time left until a list that misses instances is taken as it is.
    pub(super) fn doubted(&self, now: Instant) -> Option<Duration> {
        Some(self.doubted_until?.saturating_duration_since(now))
    }

    /// The last list that was made out.
    pub(super) fn last(&self) -> &[Endpoint] {
        &self.last
    }

    /// Whether `list` misses one that would stay.
    pub(super) fn misses(&self, list: &[Endpoint], now: Instant) -> bool {
        !self.missing(list, &[], now).is_empty()
    }

    /// Makes out what to believe of `list`: what is returned, and whether that is all of it. Those
    /// that `left` do not stay.
    pub(super) fn take(
        &mut self,
        list: Vec<Endpoint>,
        left: &[Endpoint],
        now: Instant,
    ) -> (Vec<Endpoint>, bool) {
        let missing = self.missing(&list, left, now);
        let whole = missing.is_empty();
        self.doubted_until = self.doubted_until.filter(|until| now < *until);
        self.last = list;
        self.last.extend(missing);
        (self.last.clone(), whole)
    }

    /// Those that stay, though they are neither in `list` nor in `left`.
    fn missing(&self, list: &[Endpoint], left: &[Endpoint], now: Instant) -> Vec<Endpoint> {
        if self.doubted_until.is_none_or(|until| now >= until) {
            return Vec::new();
        }
        let is_there = |known: &Endpoint| {
            let mut others = list.iter().chain(left);
            others.any(|other| name(other) == name(known))
        };
        let known = self.last.iter();
        known.filter(|known| !is_there(known)).cloned().collect()
    }
}

fn name(endpoint: &Endpoint) -> Option<&str> {
    let Instance { name, .. } = endpoint.instance.as_ref()?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection;

    fn names(list: &[Endpoint]) -> Vec<&str> {
        list.iter().filter_map(name).collect()
    }

    #[test]
    fn without_an_outage_a_list_is_taken_as_it_is() {
        let mut settled = Settled::default();
        let now = connection::now();
        settled.take(Endpoint::named(&["a", "b"]), &[], now);
        assert_eq!(
            settled.take(Endpoint::named(&["b"]), &[], now),
            (Endpoint::named(&["b"]), true)
        );
        assert_eq!(settled.take(Vec::new(), &[], now), (Vec::new(), true));
    }

    #[test]
    fn after_an_outage_the_missing_stay_for_a_while() {
        let mut settled = Settled::default();
        let start = connection::now();
        settled.take(Endpoint::named(&["a", "b"]), &[], start);
        settled.doubt(start);
        let (list, whole) = settled.take(Vec::new(), &[], start);
        assert_eq!((names(&list), whole), (vec!["a", "b"], false));
        assert_eq!(settled.doubted(start), Some(SETTLE));
        let (list, whole) = settled.take(Endpoint::named(&["c", "a"]), &[], start + SETTLE / 2);
        assert_eq!((names(&list), whole), (vec!["c", "a", "b"], false));
        let (list, whole) = settled.take(Endpoint::named(&["c", "a"]), &[], start + SETTLE);
        assert_eq!((names(&list), whole), (vec!["c", "a"], true));
        assert_eq!(settled.doubted(start), None);
    }

    #[test]
    fn after_an_outage_one_that_left_does_not_stay() {
        let mut settled = Settled::default();
        let start = connection::now();
        settled.take(Endpoint::named(&["a", "b", "c"]), &[], start);
        settled.doubt(start);
        assert!(settled.misses(&Endpoint::named(&["a"]), start));
        let (list, whole) = settled.take(Endpoint::named(&["a"]), &Endpoint::named(&["b"]), start);
        assert_eq!((names(&list), whole), (vec!["a", "c"], false));
        let (list, whole) = settled.take(Endpoint::named(&["a", "c"]), &[], start);
        assert_eq!((names(&list), whole), (vec!["a", "c"], true));
        assert!(!settled.misses(&Endpoint::named(&["a", "c"]), start));
    }

    #[test]
    fn a_list_that_is_whole_again_does_not_end_the_doubt() {
        let mut settled = Settled::default();
        let start = connection::now();
        settled.take(Endpoint::named(&["a"]), &[], start);
        settled.doubt(start);
        assert_eq!(
            settled.take(Endpoint::named(&["a", "b"]), &[], start),
            (Endpoint::named(&["a", "b"]), true)
        );
        let (list, whole) = settled.take(Vec::new(), &[], start);
        assert_eq!((names(&list), whole), (vec!["a", "b"], false));
        let end = start + SETTLE;
        assert_eq!(settled.take(Vec::new(), &[], end), (Vec::new(), true));
        assert_eq!(settled.doubted(end), None);
    }
}
