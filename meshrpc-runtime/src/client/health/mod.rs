//! Outlier ejection: an instance that only fails is left out for a while, whatever the registry
//! says of it.
//!
//! What counts is a reply that says the instance is unavailable. A connection that is lost leaves
//! the rotation anyway, and comes back at the pace of its back-off. A deadline that passes does not
//! count: callers choose deadlines, and a frozen peer is found by keep-alive.
//! At most half of the instances are out at one time, because when more than half fail the fault is
//! probably on this side, and calls had better be tried than refused.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// When an instance is left out, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Failures in a row that eject.
    pub(crate) failures: u32,
    /// Length of the first ejection, before jitter.
    pub(crate) base: Duration,
    /// Length of any ejection at most, before jitter.
    pub(crate) longest: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            failures: 5,
            base: Duration::from_secs(5),
            longest: Duration::from_secs(60),
        }
    }
}

/// Failures in a row of one instance; shared with every call it serves.
#[derive(Debug, Default)]
pub(crate) struct Streak(AtomicU32);

impl Streak {
    /// Ends the streak. Costs one load if there is none.
    pub(crate) fn success(&self) {
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::Relaxed);
        }
    }

    /// Adds a failure; true if that makes the streak long enough to eject. It begins anew then, so
    /// that one streak is reported once.
    pub(crate) fn failure(&self, policy: &Policy) -> bool {
        let long_enough = self.0.fetch_add(1, Ordering::Relaxed) + 1 >= policy.failures;
        if long_enough {
            self.0.store(0, Ordering::Relaxed);
        }
        long_enough
    }
}

/// The instances of a pool that are left out.
#[derive(Debug, Default)]
pub(crate) struct Ejections {
    policy: Policy,
    records: BTreeMap<Arc<str>, Record>,
}

/// What is remembered of an instance that was ejected.
#[derive(Debug)]
struct Record {
    until: Instant,
    /// Ejections in close succession; each is longer than the one before.
    times: u32,
}

impl Ejections {
    /// Leaves `name` out of `listed` instances. `jitter` in 0..1 spreads the return of instances
    /// that failed together. `None` if it is out already or half of the instances are.
    pub(crate) fn eject(
        &mut self,
        name: &Arc<str>,
        listed: usize,
        now: Instant,
        jitter: f64,
    ) -> Option<Instant> {
        let out = self
            .records
            .values()
            .filter(|record| record.until > now)
            .count();
        if self.is_ejected(name, now) || (out + 1) * 2 > listed {
            return None;
        }
        let policy = self.policy;
        let times = match self.records.get(name) {
            Some(record) if now < record.until + policy.longest => record.times.saturating_add(1),
            _ => 1,
        };
        let length = policy.base.saturating_mul(times).min(policy.longest);
        let until = now + length.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0);
        self.records
            .insert(Arc::clone(name), Record { until, times });
        Some(until)
    }

    /// Whether `name` is left out.
    pub(crate) fn is_ejected(&self, name: &str, now: Instant) -> bool {
        self.records
            .get(name)
            .is_some_and(|record| record.until > now)
    }

    /// When the next instance returns.
    pub(crate) fn next_return(&self, now: Instant) -> Option<Instant> {
        self.records
            .values()
            .map(|record| record.until)
            .filter(|&until| until > now)
            .min()
    }

    /// Instances left, `listed` are there now: those return, the soonest first, that would make more
    /// than half.
    pub(crate) fn keep_to_half(&mut self, listed: usize, now: Instant) {
        let records = self.records.values_mut();
        let mut out: Vec<_> = records.filter(|record| record.until > now).collect();
        let excess = out.len().saturating_sub(listed / 2);
        out.sort_by_key(|record| record.until);
        for record in out.into_iter().take(excess) {
            record.until = now;
        }
    }

    /// Forgets `name`: it restarted, moved, or left.
    pub(crate) fn forget(&mut self, name: &str) {
        self.records.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(number: usize) -> Arc<str> {
        format!("greeter-{number}").into()
    }

    #[test]
    fn a_success_ends_a_streak() {
        let (streak, policy) = (Streak::default(), Policy::default());
        for _ in 0..4 {
            assert!(!streak.failure(&policy));
        }
        streak.success();
        let ejected: Vec<bool> = (0..6).map(|_| streak.failure(&policy)).collect();
        assert_eq!(ejected, [false, false, false, false, true, false]);
    }

    #[test]
    fn a_single_instance_is_never_ejected() {
        assert_eq!(
            Ejections::default().eject(&name(1), 1, Instant::now(), 0.0),
            None
        );
    }

    #[test]
    fn repeated_ejections_grow_and_a_quiet_time_forgives() {
        let mut ejections = Ejections::default();
        let policy = ejections.policy;
        let mut now = Instant::now();
        for times in 1..=12 {
            let until = ejections.eject(&name(1), 2, now, 0.0).unwrap();
            assert_eq!(until - now, policy.longest.min(policy.base * times));
            now = until;
        }
        now += policy.longest;
        assert_eq!(
            ejections.eject(&name(1), 2, now, 0.0),
            Some(now + policy.base)
        );
    }

    #[test]
    fn when_others_leave_those_return_that_would_be_more_than_half() {
        let (mut ejections, now) = (Ejections::default(), Instant::now());
        for (instance, jitter) in [(1, 1.0), (2, 0.0), (3, 0.5)] {
            ejections.eject(&name(instance), 6, now, jitter);
        }
        let out = |ejections: &Ejections| {
            let out = (1..=3).filter(|&instance| ejections.is_ejected(&name(instance), now));
            out.collect::<Vec<_>>()
        };
        ejections.keep_to_half(6, now);
        assert_eq!(out(&ejections), [1, 2, 3]);
        ejections.keep_to_half(5, now);
        assert_eq!(out(&ejections), [1, 3]);
        ejections.keep_to_half(1, now);
        assert_eq!(out(&ejections), [] as [usize; 0]);
    }

    #[test]
    fn an_instance_that_restarted_is_not_left_out() {
        let (mut ejections, now) = (Ejections::default(), Instant::now());
        ejections.eject(&name(1), 2, now, 0.5);
        assert!(ejections.is_ejected("greeter-1", now));
        ejections.forget("greeter-1");
        assert!(!ejections.is_ejected("greeter-1", now));
        assert_eq!(ejections.next_return(now), None);
    }

    proptest! {
        #[test]
        fn at_most_half_are_out(
            listed in 1_usize..10,
            failures in prop::collection::vec((0_usize..10, 0_u64..20, 0.0_f64..1.0), 0..60),
        ) {
            let (mut ejections, mut now) = (Ejections::default(), Instant::now());
            for (instance, seconds, jitter) in failures {
                now += Duration::from_secs(seconds);
                if let Some(until) = ejections.eject(&name(instance % listed), listed, now, jitter) {
                    let length = until - now;
                    prop_assert!(length >= ejections.policy.base);
                    prop_assert!(length <= ejections.policy.longest.mul_f64(1.5));
                }
                let out = (0..listed).filter(|&n| ejections.is_ejected(&name(n), now)).count();
                prop_assert!(out * 2 <= listed);
            }
        }
    }
}
