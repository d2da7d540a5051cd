//! Whether it pays to let others run before a write.
//!
//! Callers that run one after the other and each add a small frame had better be written together:
//! so the task lets the others run once before it writes. Where nobody adds anything, as when each of
//! a few calls in flight waits for the next one in a chain, that is a wake-up of a worker for
//! nothing, and it delays the call. Which it is, is seen from what came of it before.

/// Times in a row that brought nothing, after which it is not done any more.
const FUTILE: u8 = 2;
/// After so many writes it is tried again.
const RETRY: u8 = 16;

/// What came of letting others run.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// Bytes queued when they were let run.
    before: Option<u64>,
    /// Times in a row that nothing was added.
    futile: u8,
    /// Writes since then.
    writes: u8,
}

impl Gathering {
    /// Whether others are to run before what makes `queued` bytes in all is written.
    pub(super) fn begins(&mut self, queued: u64) -> bool {
        if self.futile >= FUTILE {
            self.writes += 1;
            if self.writes < RETRY {
                return false;
            }
            self.writes = 0;
        }
        self.before = Some(queued);
        true
    }

    /// They have run, and `queued` bytes have ever been queued now.
    pub(super) fn ends(&mut self, queued: u64) {
        if let Some(before) = self.before.take() {
            let added = queued > before;
            self.futile = if added {
                0
            } else {
                FUTILE.min(self.futile + 1)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_while_others_add_something() {
        let mut gathering = Gathering::default();
        for write in 0..100 {
            assert!(gathering.begins(write));
            gathering.ends(write + 1);
        }
    }

    #[test]
    fn where_nobody_does_it_is_tried_now_and_then() {
        let mut gathering = Gathering::default();
        let tried = |gathering: &mut Gathering, writes: usize| {
            let begun = (0..writes).filter(|_| {
                let begins = gathering.begins(7);
                gathering.ends(7);
                begins
            });
            begun.count()
        };
        assert_eq!(tried(&mut gathering, 2), 2);
        assert_eq!(tried(&mut gathering, 160), 10);
        while !gathering.begins(7) {}
        gathering.ends(8);
        assert_eq!(tried(&mut gathering, 2), 2, "it pays again");
    }
}
