//! Bytes that are held for calls, and how many may be.
//!
//! A side that takes requests keeps their bytes until they are answered, and its answers until they
//! are sent. A window bounds what is on the way, not what is kept: that takes a budget, which all
//! connections share. It refuses and never waits, since a connection that waited could not read
//! what would free the bytes it waits for.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Bytes that a connection takes of the shared budget at a time, so that small calls cost it
/// nothing.
const SHARE: u64 = 16 << 10;
/// What a caller is told to wait while nothing is known of how fast bytes are freed, and the bounds
/// of what it is told otherwise.
const WAIT: Duration = Duration::from_millis(100);
const SHORTEST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Time over which is measured how fast bytes are freed.
const PACE: Duration = Duration::from_millis(100);

/// How many bytes may be held for calls; shared by connections, and perhaps part of a wider one.
#[derive(Debug)]
pub struct ByteBudget {
    /// Whose bytes these are and what sets their number, for those who are refused.
    whose: String,
    most: u64,
    held: AtomicU64,
    freed: AtomicU64,
    pace: Mutex<Pace>,
    wider: Option<Arc<ByteBudget>>,
}

/// How fast bytes are freed.
#[derive(Debug, Default)]
struct Pace {
    since: Option<Instant>,
    freed: u64,
    per_second: Option<f64>,
}

/// What a connection holds.
#[derive(Debug, Default)]
pub(super) struct Holding {
    budget: Option<Arc<ByteBudget>>,
    held: u64,
    /// Taken of the budget.
    taken: u64,
}

/// Bytes held for work that goes on after its call was answered; freed when dropped.
#[derive(Debug)]
pub struct Held {
    budget: Arc<ByteBudget>,
    bytes: u64,
}

impl ByteBudget {
    /// `most` bytes. `whose` begins a sentence, "this server holds"; `bytes` of `setting` is what
    /// sets them.
    pub fn new(most: u64, whose: &str, setting: &str) -> Arc<Self> {
        Self::build(most, whose, setting, None)
    }

    /// `most` bytes, which count against `self` as well.
    pub fn part(self: &Arc<Self>, most: u64, whose: &str, setting: &str) -> Arc<Self> {
        Self::build(most, whose, setting, Some(Arc::clone(self)))
    }

    fn build(most: u64, whose: &str, setting: &str, wider: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self {
            whose: format!(
                "{whose} {most} bytes of requests and replies at a time (`bytes` of `{setting}`)"
            ),
            most,
            held: AtomicU64::new(0),
            freed: AtomicU64::new(0),
            pace: Mutex::default(),
            wider,
        })
    }

    /// Bytes that are held now.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Takes `bytes`, or says which budget has no room for them.
    fn take(&self, bytes: u64) -> Result<(), &Self> {
        let more = |held: u64| held.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .map_err(|_| self)?;
        let wider = self
            .wider
            .as_ref()
            .map_or(Ok(()), |wider| wider.take(bytes));
        if wider.is_err() {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
        }
        wider
    }

    /// Whether so many bytes would be taken if no others were.
    fn fits(&self, bytes: u64) -> bool {
        bytes <= self.most && self.wider.as_ref().is_none_or(|wider| wider.fits(bytes))
    }

    fn free(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        self.freed.fetch_add(bytes, Ordering::Relaxed);
        if let Some(wider) = &self.wider {
            wider.free(bytes);
        }
    }

    /// When there may be room for `bytes`, as fast as others were freed lately.
    fn wait(&self, bytes: u64, now: Instant) -> Duration {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let freed = self.freed.load(Ordering::Relaxed);
        let since = *pace.since.get_or_insert(now);
        let time = now.saturating_duration_since(since);
        if time >= PACE {
            let per_second = freed.saturating_sub(pace.freed) as f64 / time.as_secs_f64();
            *pace = Pace {
                since: Some(now),
                freed,
                per_second: Some(per_second),
            };
        }
        match pace.per_second {
            None => WAIT,
            Some(per_second) => Duration::try_from_secs_f64(bytes as f64 / per_second)
                .unwrap_or(LONGEST_WAIT)
                .clamp(SHORTEST_WAIT, LONGEST_WAIT),
        }
    }
}

/// Why bytes cannot be held.
#[derive(Debug)]
pub(super) struct NoRoom {
    /// For people.
    pub(super) message: String,
    /// When to try again; `None` if there is never room for so many.
    pub(super) wait: Option<Duration>,
}

impl Holding {
    /// From now on, bytes count against `budget`.
    pub(super) fn limit(&mut self, budget: Arc<ByteBudget>) {
        self.free_all();
        self.budget = Some(budget);
    }

    /// Holds `bytes` more, of a message of `whole`.
    pub(super) fn take(&mut self, bytes: u64, whole: u64, now: Instant) -> Result<(), NoRoom> {
        let Some(budget) = &self.budget else {
            return Ok(());
        };
        let held = self.held.saturating_add(bytes);
        if held > self.taken {
            let missing = held - self.taken;
            let share = missing.max(SHARE);
            let taken = match budget.take(share) {
                Ok(()) => share,
                Err(_) => match budget.take(missing) {
                    Ok(()) => missing,
                    Err(full) => {
                        return Err(NoRoom {
                            message: full.whose.clone(),
                            wait: budget.fits(whole).then(|| full.wait(bytes, now)),
                        });
                    }
                },
            };
            self.taken += taken;
        }
        self.held = held;
        Ok(())
    }

    /// Holds `bytes` less, of those that were taken.
    pub(super) fn free(&mut self, bytes: u64) {
        let Some(budget) = &self.budget else {
            return;
        };
        self.held = self.held.saturating_sub(bytes);
        let spare = self.taken - self.held;
        // One share stays, unless nothing is held.
        if self.held == 0 || spare > 2 * SHARE {
            let back = if self.held == 0 { spare } else { spare - SHARE };
            self.taken -= back;
            budget.free(back);
        }
    }

    /// Gives `bytes` of those that were taken to work that outlives its call.
    pub(super) fn part(&mut self, bytes: u64) -> Option<Held> {
        let budget = Arc::clone(self.budget.as_ref()?);
        self.held = self.held.saturating_sub(bytes);
        self.taken = self.taken.saturating_sub(bytes);
        Some(Held { budget, bytes })
    }

    fn free_all(&mut self) {
        if let Some(budget) = &self.budget
            && self.taken > 0
        {
            budget.free(self.taken);
        }
        (self.held, self.taken) = (0, 0);
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.free_all();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.free(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn budget(most: u64) -> Arc<ByteBudget> {
        ByteBudget::new(most, "this server holds", "Limits::total")
    }

    fn holding(budget: &Arc<ByteBudget>) -> Holding {
        let mut holding = Holding::default();
        holding.limit(Arc::clone(budget));
        holding
    }

    #[test]
    fn what_is_over_the_budget_is_refused_and_takes_nothing() {
        let now = Instant::now();
        let budget = budget(100 << 10);
        let (mut one, mut other) = (holding(&budget), holding(&budget));
        one.take(90 << 10, 90 << 10, now).expect("there is room");
        let full = other
            .take(20 << 10, 20 << 10, now)
            .expect_err("there is none");
        assert_eq!(
            full.message,
            "this server holds 102400 bytes of requests and replies at a time \
             (`bytes` of `Limits::total`)"
        );
        assert!(full.wait.is_some());
        assert_eq!(budget.held(), 90 << 10);
        other
            .take(10 << 10, 10 << 10, now)
            .expect("so much is left");
        drop(one);
        other.take(20 << 10, 20 << 10, now).expect("it was freed");
    }

    #[test]
    fn what_can_never_be_held_is_not_to_be_tried_again() {
        let now = Instant::now();
        let mut holding = holding(&budget(100));
        holding.take(90, 101, now).expect("so much fits");
        let full = holding.take(11, 101, now);
        assert_eq!(full.expect_err("too many").wait, None);
        let full = holding.take(11, 100, now);
        assert!(full.expect_err("too many now").wait.is_some());
    }

    #[test]
    fn a_part_is_refused_by_itself_and_by_the_whole() {
        let now = Instant::now();
        let whole = budget(100 << 10);
        let part = |whose| whole.part(60 << 10, whose, "Limits::per_peer");
        let (mut one, mut other) = (holding(&part("a holds")), holding(&part("b holds")));
        let full = one
            .take(61 << 10, 61 << 10, now)
            .expect_err("over the part");
        assert!(full.message.starts_with("a holds 61440 bytes"), "{full:?}");
        one.take(60 << 10, 60 << 10, now).expect("within the part");
        let full = other
            .take(50 << 10, 50 << 10, now)
            .expect_err("over the whole");
        assert!(full.message.starts_with("this server"), "{full:?}");
        assert_eq!(whole.held(), 60 << 10, "a refusal holds nothing");
    }

    #[test]
    fn the_wait_is_as_long_as_freeing_took_lately() {
        let start = Instant::now();
        let budget = budget(1 << 20);
        let mut holding = holding(&budget);
        holding
            .take(1 << 20, 1 << 20, start)
            .expect("there is room");
        let wait = |now| budget.wait(100 << 10, now);
        assert_eq!(wait(start), WAIT);
        holding.free(200 << 10);
        let second = start + Duration::from_secs(1);
        let half = wait(second).as_secs_f64();
        // A share is kept back.
        assert!((0.45..0.6).contains(&half), "{half}");
        assert_eq!(wait(second + Duration::from_secs(1)), LONGEST_WAIT);
    }

    proptest! {
        /// However calls come and go, what is taken is what is held and at most a share more for
        /// each connection, and nothing once all are gone.
        #[test]
        fn nothing_is_lost(
            steps in prop::collection::vec((0_usize..3, any::<bool>(), 0_u64..40_000), 1..200),
        ) {
            let now = Instant::now();
            let budget = budget(256 << 10);
            let mut holdings = [(); 3].map(|()| (holding(&budget), Vec::new()));
            for (which, takes, bytes) in steps {
                let (holding, calls) = &mut holdings[which];
                if takes {
                    if holding.take(bytes, bytes, now).is_ok() {
                        calls.push(bytes);
                    }
                } else if let Some(bytes) = calls.pop() {
                    holding.free(bytes);
                }
                let held: u64 = holdings.iter().flat_map(|(_, calls)| calls).sum();
                prop_assert!(budget.held() >= held);
                prop_assert!(budget.held() <= held + 3 * 2 * SHARE);
            }
            let kept = holdings[0].1.pop().and_then(|bytes| {
                holdings[0].0.part(bytes)
            });
            let expected = kept.as_ref().map_or(0, |kept| kept.bytes);
            drop(holdings);
            prop_assert_eq!(budget.held(), expected);
            drop(kept);
            prop_assert_eq!(budget.held(), 0);
        }
    }
}
