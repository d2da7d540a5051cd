//! What stands between calls and what is under a quota.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use super::quota::{Quota, Rate};

/// What a caller is told to wait while nothing is known of how long calls take, and the bounds of
/// what it is told otherwise.
const WAIT: Duration = Duration::from_millis(50);
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Weight of the latest call in the mean time of calls.
const LATEST: u64 = 8;

/// Counts what is used of a quota, without a lock.
#[derive(Debug)]
pub(super) struct Gate {
    /// Whose calls these are, and what sets the quota: for those who are refused.
    whose: String,
    setting: &'static str,
    calls: Option<Calls>,
    bucket: Option<Bucket>,
    bytes: Option<Bytes>,
}

/// What a call is that did not pass, and what to tell its caller.
#[derive(Debug)]
pub(super) struct Shed {
    pub(super) by: By,
    pub(super) message: String,
    /// When there may be room; `None` if never.
    pub(super) retry_after: Option<Duration>,
}

/// Which limit of a quota was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Calls,
    Rate,
    Bytes,
}

#[derive(Debug)]
struct Calls {
    most: u32,
    running: AtomicU32,
    /// Mean nanoseconds that a call takes, 0 while none has ended.
    mean: AtomicU64,
}

#[derive(Debug)]
struct Bytes {
    most: u64,
    held: AtomicU64,
}

/// A token bucket, told by one number: when it would be full again (the generic cell rate
/// algorithm, ITU-T I.371).
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// Nanoseconds of one token, and of all that fit.
    token: u64,
    room: u64,
    began: Instant,
    /// Nanoseconds after `began`.
    full_at: AtomicU64,
}

impl Gate {
    pub(super) fn new(quota: Quota, whose: String, setting: &'static str, now: Instant) -> Self {
        Self {
            whose,
            setting,
            calls: quota.calls.map(|most| Calls {
                most,
                running: AtomicU32::new(0),
                mean: AtomicU64::new(0),
            }),
            bucket: quota.rate.map(|rate| Bucket::new(rate, now)),
            bytes: quota.bytes.map(|most| Bytes {
                most,
                held: AtomicU64::new(0),
            }),
        }
    }

    /// Lets a call of `bytes` pass, which has to [`leave`](Self::leave).
    pub(super) fn enter(&self, bytes: u64, now: Instant) -> Result<(), Shed> {
        if let Some(calls) = &self.calls
            && let Err(wait) = calls.enter()
        {
            let most = calls.most;
            let what = format!("has {most} calls under way, as many as it may have at a time");
            return Err(self.shed(By::Calls, &what, Some(wait)));
        }
        if let Some(held) = &self.bytes
            && let Err(already) = held.enter(bytes)
        {
            self.free_call();
            let most = held.most;
            let what = format!(
                "may hold {most} bytes of requests at a time and holds {already}: there is no \
                 room for {bytes}"
            );
            return Err(self.shed(By::Bytes, &what, (bytes <= most).then_some(WAIT)));
        }
        if let Some(bucket) = &self.bucket
            && let Err(wait) = bucket.take(now)
        {
            self.free_call();
            self.free_bytes(bytes);
            let Rate { per_second, burst } = bucket.rate;
            let what = format!("may be called {per_second} times a second, {burst} at once");
            return Err(self.shed(By::Rate, &what, Some(wait)));
        }
        Ok(())
    }

    /// A call that passed does not start after all.
    pub(super) fn undo(&self, bytes: u64) {
        self.free_call();
        self.free_bytes(bytes);
        if let Some(bucket) = &self.bucket {
            bucket.full_at.fetch_sub(bucket.token, Ordering::Relaxed);
        }
    }

    /// A call that passed is done.
    pub(super) fn leave(&self, bytes: u64, took: Duration) {
        if let Some(calls) = &self.calls {
            calls.learn(took);
        }
        self.free_call();
        self.free_bytes(bytes);
    }

    fn free_call(&self) {
        if let Some(calls) = &self.calls {
            calls.running.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn free_bytes(&self, bytes: u64) {
        if let Some(held) = &self.bytes {
            held.held.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    #[cold]
    fn shed(&self, by: By, what: &str, retry_after: Option<Duration>) -> Shed {
        let limit = match by {
            By::Calls => "calls",
            By::Rate => "rate",
            By::Bytes => "bytes",
        };
        let (whose, setting) = (&self.whose, self.setting);
        Shed {
            by,
            message: format!("{whose} {what} (`{limit}` of `{setting}`)"),
            retry_after,
        }
    }
}

impl Calls {
    /// Takes a place, or tells when one may be free: calls that take `mean` each leave `most`
    /// places in that time.
    fn enter(&self) -> Result<(), Duration> {
        let more = |running: u32| (running < self.most).then_some(running + 1);
        match self
            .running
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
        {
            Ok(_) => Ok(()),
            Err(_) => Err(match self.mean.load(Ordering::Relaxed) {
                0 => WAIT,
                mean => Duration::from_nanos(mean / u64::from(self.most.max(1)))
                    .clamp(SHORTEST_WAIT, LONGEST_WAIT),
            }),
        }
    }

    /// Two that end together may count as one: it is an estimate.
    fn learn(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let mean = match self.mean.load(Ordering::Relaxed) {
            0 => took,
            mean => mean - mean / LATEST + took / LATEST,
        };
        self.mean.store(mean.max(1), Ordering::Relaxed);
    }
}

impl Bytes {
    /// Holds `bytes` more, or tells how many are held.
    fn enter(&self, bytes: u64) -> Result<(), u64> {
        let more = |held: u64| held.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .map(|_| ())
    }
}

impl Bucket {
    fn new(rate: Rate, now: Instant) -> Self {
        let token = (1_000_000_000 / u64::from(rate.per_second)).max(1);
        Self {
            rate,
            token,
            room: token.saturating_mul(rate.burst.into()),
            began: now,
            full_at: AtomicU64::new(0),
        }
    }

    /// Takes a token, or tells when there is one.
    fn take(&self, now: Instant) -> Result<(), Duration> {
        let elapsed = now.saturating_duration_since(self.began).as_nanos();
        let now = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let latest = now.saturating_add(self.room);
        let next = |full_at: u64| {
            let next = full_at.max(now).saturating_add(self.token);
            (next <= latest).then_some(next)
        };
        match self
            .full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
        {
            Ok(_) => Ok(()),
            Err(full_at) => {
                let wait = full_at.saturating_add(self.token).saturating_sub(latest);
                Err(Duration::from_nanos(wait).max(SHORTEST_WAIT))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gate(quota: Quota, now: Instant) -> Gate {
        Gate::new(quota, "this server".into(), "Limits::total", now)
    }

    fn shed(gate: &Gate, bytes: u64, now: Instant) -> Shed {
        gate.enter(bytes, now).expect_err("it is over the quota")
    }

    #[test]
    fn a_place_is_free_again_when_a_call_is_done() {
        let now = Instant::now();
        let gate = gate(Quota::new().calls(2), now);
        gate.enter(0, now).expect("the first");
        gate.enter(0, now).expect("the second");
        let third = shed(&gate, 0, now);
        assert_eq!(
            third.message,
            "this server has 2 calls under way, as many as it may have at a time (`calls` of \
             `Limits::total`)"
        );
        assert_eq!((third.by, third.retry_after), (By::Calls, Some(WAIT)));
        gate.leave(0, Duration::from_millis(100));
        gate.enter(0, now).expect("one has left");
        // Two places of calls that take a tenth of a second each: one in half of that.
        let wait = shed(&gate, 0, now).retry_after;
        assert_eq!(wait, Some(Duration::from_millis(50)));
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let start = Instant::now();
        let gate = gate(Quota::new().rate(10, 3), start);
        let passed = |now| (0..10).filter(|_| gate.enter(0, now).is_ok()).count();
        assert_eq!(passed(start), 3);
        let refused = shed(&gate, 0, start);
        assert_eq!(
            refused.message,
            "this server may be called 10 times a second, 3 at once (`rate` of `Limits::total`)"
        );
        let wait = refused.retry_after.expect("there will be a token");
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(passed(start + wait - Duration::from_nanos(1)), 0);
        assert_eq!(passed(start + wait), 1);
        assert_eq!(passed(start + Duration::from_secs(60)), 3);
    }

    #[test]
    fn what_one_limit_refuses_uses_nothing_of_the_others() {
        let now = Instant::now();
        let gate = gate(Quota::new().calls(1).rate(1, 1).bytes(10), now);
        assert_eq!(shed(&gate, 11, now).by, By::Bytes);
        assert_eq!(shed(&gate, 11, now).retry_after, None, "it never fits");
        gate.enter(10, now).expect("nothing was used before");
        gate.undo(10);
        gate.enter(10, now).expect("that was undone");
        gate.leave(10, Duration::ZERO);
        assert_eq!(shed(&gate, 10, now).by, By::Rate);
        let later = now + Duration::from_secs(1);
        gate.enter(10, later).expect("call and bytes are free");
    }

    proptest! {
        /// However calls come, no more pass than the burst and what time brings, and one that comes
        /// after the time it was told does.
        #[test]
        fn no_more_pass_than_the_rate(
            per_second in 1_u32..5_000,
            burst in 1_u32..50,
            steps in prop::collection::vec((0_u64..50_000, 0_usize..20), 1..60),
        ) {
            let start = Instant::now();
            let gate = gate(Quota::new().rate(per_second, burst), start);
            let (mut now, mut passed) = (start, 0_u64);
            for (micros, calls) in steps {
                now += Duration::from_micros(micros);
                for _ in 0..calls {
                    match gate.enter(0, now) {
                        Ok(()) => passed += 1,
                        Err(shed) => {
                            now += shed.retry_after.expect("a rate always recovers");
                            prop_assert!(gate.enter(0, now).is_ok(), "as it was told");
                            passed += 1;
                        }
                    }
                }
                // A token is a whole number of nanoseconds.
                let earned = (now - start).as_secs_f64() * f64::from(per_second) * 1.001;
                prop_assert!(passed as f64 <= f64::from(burst) + earned + 1e-6);
            }
        }
    }
}
