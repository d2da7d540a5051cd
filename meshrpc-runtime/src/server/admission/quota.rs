//! What some callers may use together.

/// What some callers may use together: all of a server's, those of one client
/// ([`Limits`](crate::Limits)), or those of one contract
/// ([`HandlerExt::within`](crate::HandlerExt::within)). What is not set is not limited.
///
/// A call over a quota is not queued: it is refused before anything of it ran, and told when there
/// may be room. Its client tries another instance then, within its budget of retries. A queue would
/// only keep callers until their deadlines are over, and make the work that is done be for those
/// who have gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "a quota does nothing until something is put under it"]
pub struct Quota {
    pub(in crate::server) calls: Option<u32>,
    pub(in crate::server) rate: Option<Rate>,
    pub(in crate::server) bytes: Option<u64>,
}

/// Calls a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Rate {
    pub(in crate::server) per_second: u32,
    pub(in crate::server) burst: u32,
}

impl Quota {
    /// Nothing is limited.
    pub const fn new() -> Self {
        Self {
            calls: None,
            rate: None,
            bytes: None,
        }
    }

    /// At most so many calls at a time, from when their handlers start until those are done, be it
    /// after the answer.
    pub const fn calls(mut self, calls: u32) -> Self {
        self.calls = Some(calls);
        self
    }

    /// At most so many calls a second (at least one), and `burst` of them at once (at least one)
    /// after a quiet time.
    pub const fn rate(mut self, per_second: u32, burst: u32) -> Self {
        let rate = Rate {
            per_second: if per_second == 0 { 1 } else { per_second },
            burst: if burst == 0 { 1 } else { burst },
        };
        self.rate = Some(rate);
        self
    }

    /// At most so many bytes at a time: of requests from when they arrive until they are answered,
    /// and of large replies until they are sent. Of a contract, only requests that are whole count.
    pub const fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }
}
