//! How many retries a pool may make in all.
//!
//! A number of retries per call multiplies the load exactly when the callee has least room for it,
//! and does so again at each level of a chain of calls. A budget bounds what retries add to the
//! load of the whole pool: a part of the calls that succeed, and a few a second so that a client
//! with little traffic may retry too.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::client::RetryBudget;

/// A bucket of retries, full at start.
#[derive(Debug)]
pub(crate) struct Budget {
    size: RetryBudget,
    /// Successes since the last withdrawal, counted up to what fills the bucket: after that a call
    /// that succeeds costs a look.
    successes: AtomicU64,
    enough: u64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Budget {
    pub(crate) fn new(size: RetryBudget, now: Instant) -> Self {
        Self {
            size,
            successes: AtomicU64::new(0),
            // No number of them fills it where they bring nothing; the quotient is infinite then.
            enough: ((size.burst / size.per_success) as u64).saturating_add(1),
            bucket: Mutex::new(Bucket {
                tokens: size.burst,
                filled: now,
            }),
        }
    }

    /// A call succeeded.
    pub(crate) fn success(&self) {
        if self.successes.load(Ordering::Relaxed) < self.enough {
            self.successes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes what one retry costs; false if the budget is used up.
    pub(crate) fn withdraw(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing was taken since the last withdrawal, so capping the sum once is exact.
        let earned = self.successes.swap(0, Ordering::Relaxed) as f64 * self.size.per_success
            + now.saturating_duration_since(bucket.filled).as_secs_f64() * self.size.per_second;
        bucket.filled = bucket.filled.max(now);
        bucket.tokens = (bucket.tokens + earned).min(self.size.burst);
        let enough = bucket.tokens >= 1.0;
        if enough {
            bucket.tokens -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn budget(now: Instant) -> Budget {
        Budget::new(RetryBudget::default(), now)
    }

    fn drain(budget: &Budget, now: Instant) -> usize {
        std::iter::from_fn(|| budget.withdraw(now).then_some(())).count()
    }

    #[test]
    fn a_full_bucket_gives_a_hundred_retries() {
        let now = Instant::now();
        assert_eq!(drain(&budget(now), now), 100);
    }

    #[test]
    fn ten_successes_or_a_third_of_a_second_earn_a_retry() {
        let now = Instant::now();
        let budget = budget(now);
        drain(&budget, now);
        (0..50).for_each(|_| budget.success());
        assert_eq!(drain(&budget, now), 5);
        assert_eq!(drain(&budget, now + Duration::from_secs(2)), 6);
    }

    #[test]
    fn a_long_quiet_time_earns_no_more_than_the_capacity() {
        let now = Instant::now();
        let budget = budget(now);
        (0..10_000).for_each(|_| budget.success());
        assert_eq!(drain(&budget, now + Duration::from_secs(3600)), 100);
    }

    proptest! {
        /// However calls and failures are mixed, retries stay under what was earned.
        #[test]
        fn retries_never_exceed_capacity_and_earnings(
            steps in prop::collection::vec((0_u64..40, 0_u64..400, 0_usize..60), 1..50),
        ) {
            let start = Instant::now();
            let budget = budget(start);
            let (mut now, mut retries, mut successes) = (start, 0_u64, 0_u64);
            for (succeeded, millis, wanted) in steps {
                (0..succeeded).for_each(|_| budget.success());
                successes += succeeded;
                now += Duration::from_millis(millis);
                retries += (0..wanted).filter(|_| budget.withdraw(now)).count() as u64;
                let size = RetryBudget::default();
                let earned = size.burst
                    + successes as f64 * size.per_success
                    + (now - start).as_secs_f64() * size.per_second;
                prop_assert!(retries as f64 <= earned + 1e-6);
            }
        }
    }
}
