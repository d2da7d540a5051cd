use std::time::Duration;

/// How long to wait before a replica that crashed is started again.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    crashes: u32,
}

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);
/// Whoever ran this long had not crashed at its start.
const STEADY: Duration = Duration::from_secs(10);

impl Backoff {
    /// The wait after a crash at the end of a run of `ran`: half of it is at random, so that
    /// replicas that fell together do not rise together.
    pub(super) fn after(&mut self, ran: Duration) -> Duration {
        if ran >= STEADY {
            self.crashes = 0;
        }
        let whole = FIRST.saturating_mul(1 << self.crashes.min(10)).min(LONGEST);
        self.crashes += 1;
        whole / 2 + whole.mul_f64(fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_cap_and_begin_anew_after_a_steady_run() {
        let mut backoff = Backoff::default();
        let mut bounds = FIRST;
        for _ in 0..40 {
            let wait = backoff.after(Duration::ZERO);
            assert!(
                wait >= bounds / 2 && wait <= bounds,
                "{wait:?} is not within {bounds:?}"
            );
            bounds = (bounds * 2).min(LONGEST);
        }
        assert!(backoff.after(STEADY) <= FIRST);
    }
}
