//! Where a blocking query stands, and how long to wait before the next.

use std::time::Duration;

/// Upper bounds of the first pause and of every pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// An answer that comes sooner did not wait for news.
const QUICK: Duration = Duration::from_millis(100);
/// Quick answers in sequence that are fine: the first of all, and changes that come together.
const BURST: u32 = 5;
/// The pause after more of them, or where the agent cannot wait for news.
const PACE: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_secs(1);

/// The place in the history of an answer.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    index: u64,
    failures: u32,
    quick: u32,
}

/// What an answer is to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The wait is over, and nothing happened.
    None,
    /// It is newer.
    Newer,
    /// It is older: the agent, or its servers, lost their state. A query with the old index would
    /// sleep through changes.
    Older,
}

impl Cursor {
    /// What to send; 0 asks for an answer at once.
    pub(super) fn index(&self) -> u64 {
        self.index
    }

    /// There is an answer, with this index and after this time.
    pub(super) fn answered(&mut self, index: u64, took: Duration) -> News {
        self.failures = 0;
        self.quick = match took < QUICK {
            true => self.quick.saturating_add(1),
            false => 0,
        };
        let before = self.index;
        self.index = index;
        if index < before {
            self.index = 0;
            News::Older
        } else if index == before && index != 0 {
            News::None
        } else {
            News::Newer
        }
    }

    /// How long to wait before asking again after an answer.
    pub(super) fn pause(&self) -> Duration {
        if self.quick > BURST {
            if self.index == 0 { POLL } else { PACE }
        } else {
            Duration::ZERO
        }
    }

    /// There is none. Returns how long to wait; `chance` is in 0..1.
    pub(super) fn failed(&mut self, chance: f64) -> Duration {
        self.index = 0;
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        doubled.min(LONGEST_PAUSE).mul_f64(0.5 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITED: Duration = Duration::from_secs(30);

    #[test]
    fn an_index_is_sent_back_until_it_changes() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.index(), 0);
        assert_eq!(cursor.answered(47, Duration::ZERO), News::Newer);
        assert_eq!(cursor.index(), 47);
        assert_eq!(cursor.answered(47, WAITED), News::None);
        assert_eq!(cursor.answered(48, WAITED), News::Newer);
        assert_eq!(cursor.index(), 48);
    }

    #[test]
    fn an_index_that_goes_back_begins_anew() {
        let mut cursor = Cursor::default();
        cursor.answered(47, WAITED);
        assert_eq!(cursor.answered(16, WAITED), News::Older);
        assert_eq!(cursor.index(), 0);
        assert_eq!(cursor.answered(16, Duration::ZERO), News::Newer);
        assert_eq!(cursor.index(), 16);
    }

    #[test]
    fn a_failure_begins_anew_with_longer_and_longer_pauses() {
        let mut cursor = Cursor::default();
        cursor.answered(47, WAITED);
        let longest = |cursor: &mut Cursor| cursor.failed(1.0);
        assert_eq!(longest(&mut cursor), Duration::from_millis(100));
        assert_eq!(cursor.index(), 0);
        assert_eq!(longest(&mut cursor), Duration::from_millis(200));
        assert_eq!(cursor.failed(0.0), Duration::from_millis(200));
        for _ in 0..100 {
            assert!(longest(&mut cursor) <= Duration::from_secs(5));
        }
        cursor.answered(1, WAITED);
        assert_eq!(longest(&mut cursor), Duration::from_millis(100));
    }

    #[test]
    fn an_agent_that_never_waits_is_not_asked_without_end() {
        let mut cursor = Cursor::default();
        let mut free = 0;
        for index in 1..100 {
            cursor.answered(index, Duration::ZERO);
            free += u32::from(cursor.pause().is_zero());
        }
        assert_eq!(free, BURST);
        cursor.answered(100, WAITED);
        assert_eq!(cursor.pause(), Duration::ZERO);
        let mut blind = Cursor::default();
        for _ in 0..=BURST {
            assert_eq!(blind.answered(0, Duration::ZERO), News::Newer);
        }
        assert_eq!(blind.pause(), POLL);
    }
}
