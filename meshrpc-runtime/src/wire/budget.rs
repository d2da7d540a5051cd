//! What a peer may send that brings nothing.
//!
//! Late frames, answers to what nobody asked, frames of a later version: each is legitimate, and a
//! well-behaved peer sends few of them. Most are the shadow of a call, so every call brings an
//! allowance, and time brings some.

use std::time::Instant;

use super::fault::Fault;

/// Frames for each call.
const PER_CALL: u64 = 8;
/// Frames for each second.
const PER_SECOND: u64 = 100;

/// Frames that bring nothing and may still come.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
    /// That may come at once, and that an unused budget grows to.
    most: u64,
    /// Up to when time has been paid out.
    paid_until: Instant,
}

impl Budget {
    pub(super) fn new(most: u32, now: Instant) -> Self {
        Self {
            left: most.into(),
            most: most.into(),
            paid_until: now,
        }
    }

    /// A call began.
    pub(super) fn call(&mut self) {
        self.left = self.most.min(self.left + PER_CALL);
    }

    /// A frame came that brings nothing.
    ///
    /// # Errors
    /// If there were too many.
    pub(super) fn spend(&mut self, now: Instant) -> Result<(), Fault> {
        let seconds = now.saturating_duration_since(self.paid_until).as_secs();
        if seconds > 0 {
            self.left = self
                .most
                .min(self.left.saturating_add(seconds.saturating_mul(PER_SECOND)));
            self.paid_until = now;
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(Fault::IdleFrames { most: self.most })?;
        Ok(())
    }
}
