//! Options of calls.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::{client::SessionKey, context::Context, contract::Deadline, wire::Metadata};

/// Options of calls, for [`Channel::with`](crate::Channel::with).
///
/// ```
/// # use std::time::Duration;
/// # use meshrpc::Call;
/// let call = Call::new().deadline(Duration::from_millis(300)).session("acct-7").meta("tenant", "a");
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a channel or client takes them"]
pub struct Call {
    deadline: Deadline,
    pub(crate) session: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) retries: bool,
}

impl Call {
    /// The method's own deadline, no session, no metadata, retries on.
    pub fn new() -> Self {
        Self {
            deadline: Deadline::Default,
            session: None,
            metadata: Metadata::new(),
            retries: true,
        }
    }

    /// Ends the call after `time`, attempts and waiting included. A call made inside a handler ends
    /// with the call the handler serves, if that is earlier.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Deadline::After(time);
        self
    }

    /// Lets the call take as long as it takes. Inside a handler the deadline of the call it serves
    /// still holds.
    pub fn no_deadline(mut self) -> Self {
        self.deadline = Deadline::None;
        self
    }

    /// Sends the call to the instance that the session belongs to. The key is at most 256 bytes
    /// long; a longer one fails the call.
    pub fn session(mut self, key: impl SessionKey) -> Self {
        self.session = Some(key.session_key());
        self
    }

    /// Attaches an entry that the handler finds in
    /// [`Context::metadata`](crate::Context::metadata). At most 64 entries and 8 KiB per call.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.metadata.push(key, value);
        self
    }

    /// With `false` a method is never executed a second time, even if it is idempotent. A call that
    /// certainly was not started is still moved to another instance: nothing ran, so nothing is
    /// repeated.
    pub fn retries(mut self, allowed: bool) -> Self {
        self.retries = allowed;
        self
    }

    /// When a call made `now` ends: by these options, else by its method, else after `default`; in
    /// any case no later than the call that `context` works for.
    pub(crate) fn ends(
        &self,
        method: Deadline,
        default: Option<Duration>,
        context: &Context,
        now: Instant,
    ) -> Option<Instant> {
        let own = match (self.deadline, method) {
            (Deadline::Default, Deadline::Default) => default,
            (Deadline::Default, Deadline::After(time)) | (Deadline::After(time), _) => Some(time),
            (Deadline::Default, Deadline::None) | (Deadline::None, _) => None,
        };
        // A time too long to be represented is none.
        let own = own.and_then(|time| now.checked_add(time));
        [own, context.deadline()].into_iter().flatten().min()
    }
}

impl Default for Call {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Option<Duration> = Some(Duration::from_secs(30));

    #[test]
    fn the_nearest_choice_wins() {
        let (now, outside) = (Instant::now(), Context::default());
        let ends = |call: Call, method| {
            call.ends(method, DEFAULT, &outside, now)
                .map(|end| end - now)
        };
        let second = Duration::from_secs(1);
        let method = Deadline::After(second * 2);
        assert_eq!(ends(Call::new(), Deadline::Default), DEFAULT);
        assert_eq!(ends(Call::new(), method), Some(second * 2));
        assert_eq!(ends(Call::new(), Deadline::None), None);
        assert_eq!(ends(Call::new().deadline(second), method), Some(second));
        assert_eq!(ends(Call::new().no_deadline(), method), None);
        assert_eq!(ends(Call::new().deadline(Duration::MAX), method), None);
    }

    #[test]
    fn a_nested_call_ends_with_the_outer_one() {
        let now = Instant::now();
        let outer = now + Duration::from_millis(5);
        let context = Context::default().with_deadline(outer);
        for call in [
            Call::new(),
            Call::new().no_deadline(),
            Call::new().deadline(Duration::from_secs(60)),
        ] {
            assert_eq!(
                call.ends(Deadline::Default, DEFAULT, &context, now),
                Some(outer)
            );
        }
        let sooner = Call::new().deadline(Duration::ZERO);
        assert_eq!(
            sooner.ends(Deadline::Default, DEFAULT, &context, now),
            Some(now)
        );
    }
}
