//! How long to wait before the next dial.

use std::time::Duration;

/// Exponential back-off with full jitter: each wait is anywhere between nothing and a bound that
/// doubles, so that clients which lost the same server do not come back together.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// `first` and `longest` are upper bounds of the first wait and of every wait.
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            failures: 0,
        }
    }

    /// The next wait; `random` is in 0..1.
    pub(crate) fn next(&mut self, random: f64) -> Duration {
        let bound = self
            .first
            .saturating_mul(1 << self.failures.min(16))
            .min(self.longest);
        self.failures = self.failures.saturating_add(1);
        bound.mul_f64(random.clamp(0.0, 1.0))
    }

    /// Whether no wait but the first was given out since it began.
    pub(crate) fn is_first(&self) -> bool {
        self.failures <= 1
    }

    /// Begins anew.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
pub(super) const FIRST: Duration = Duration::from_millis(50);
#[cfg(test)]
pub(super) const LONGEST: Duration = Duration::from_secs(10);

#[cfg(test)]
impl Default for Backoff {
    fn default() -> Self {
        Self::new(FIRST, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_double_up_to_the_longest() {
        let mut backoff = Backoff::default();
        let bounds: Vec<u128> = (0..10).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(
            bounds,
            [50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        backoff.reset();
        assert_eq!(backoff.next(1.0), FIRST);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_over_its_bound(failures in 0_usize..200, random in -1.0_f64..2.0) {
            let mut backoff = Backoff::default();
            for _ in 0..failures {
                backoff.next(0.5);
            }
            prop_assert!(backoff.next(random) <= LONGEST);
        }
    }
}
