//! Pages of long messages, which are kept for a moment for the next ones.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::super::direction::{MAPPED, SparePages};

/// How long after the beginning of a long message pages are kept for others.
const KEEP: Duration = Duration::from_millis(250);

/// Where pages are kept, and until when.
#[derive(Debug, Default)]
pub(super) struct KeptPages(Option<(Arc<SparePages>, Instant)>);

impl KeptPages {
    /// Where there may be pages for a message that begins and was announced to be as long, and
    /// where its own are kept afterwards.
    pub(super) fn place(
        &mut self,
        announced: Option<u64>,
        now: Instant,
    ) -> Option<Arc<SparePages>> {
        if announced? < MAPPED as u64 {
            return None;
        }
        let (place, until) = self.0.get_or_insert_with(|| (Arc::default(), now));
        *until = now + KEEP;
        Some(Arc::clone(place))
    }

    /// When nothing is to be kept any more.
    pub(super) fn until(&self) -> Option<Instant> {
        self.0.as_ref().map(|(_, until)| *until)
    }

    /// Lets go of what nobody needed until `now`.
    pub(super) fn expire(&mut self, now: Instant) {
        self.0.take_if(|(_, until)| *until <= now);
    }
}
