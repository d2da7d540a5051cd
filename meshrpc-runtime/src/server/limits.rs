//! What a server lets its callers use.

use std::time::Duration;

use crate::{server::Quota, wire::Config};

/// What a server lets its callers use; `docs/limits.md` has the whole table, and what is counted.
///
/// ```
/// use meshrpc::{Limits, server::Quota};
///
/// let mut limits = Limits::default();
/// limits.max_message = 1 << 20;
/// limits.total = Quota::new().calls(10_000);
/// limits.per_peer = Quota::new().calls(500).rate(2_000, 100);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Largest request, and largest item of a stream that callers send, in bytes. 128 MiB unless
    /// set.
    pub max_message: u64,
    /// Calls at one time on one connection. 1024 unless set, and at least one.
    pub max_streams: u32,
    /// Largest payload of one frame, in bytes. 262,152 unless set, from 16,384 to 2²⁴ − 1.
    pub max_frame: u32,
    /// Bytes of all bodies on their way on one connection. 4 MiB unless set, at least 64 KiB.
    pub connection_window: u32,
    /// Bytes of one stream that were received and not read. 1 MiB unless set, at least 16 KiB.
    pub stream_window: u32,
    /// Bytes of answers that a client may leave unread before nothing more of it is read. 256 KiB
    /// unless set.
    pub max_unread: u32,
    /// Frames that bring nothing and may come at once on one connection; every call brings eight
    /// more, every second a hundred. 20,000 unless set.
    pub max_idle_frames: u32,
    /// How long a handshake may take. 5 s unless set.
    pub handshake_timeout: Duration,
    /// Silence after which a client with calls under way is pinged. 15 s unless set.
    pub ping_busy: Duration,
    /// Silence after which a client without calls is pinged. 60 s unless set.
    pub ping_idle: Duration,
    /// How long a ping may go unanswered before the connection ends. 10 s unless set.
    pub ping_timeout: Duration,
    /// Clients must not ping more often. 5 s unless set.
    pub ping_min: Duration,
    /// Connections at one time. One more is told so and closed. 16,384 unless set.
    pub max_connections: usize,
    /// Connections at one time whose handshake is not done. With one more the oldest is closed,
    /// since a good client needs one round trip. 256 unless set.
    pub max_handshakes: usize,
    /// What all callers may use together. Unless set, any number of calls, and 1 GiB of requests and
    /// replies or four times [`max_message`](Self::max_message), if that is more.
    pub total: Quota,
    /// What one client may use over all its connections, by the name it gives itself: that shares a
    /// server among clients that mean well. Unless set, three quarters of the bytes of
    /// [`total`](Self::total), so that there is something left for others.
    pub per_peer: Quota,
}

impl Limits {
    /// What a connection is made with.
    pub(super) fn config(&self) -> Config {
        Config {
            max_message: self.max_message,
            max_streams: self.max_streams,
            max_frame: self.max_frame,
            connection_window: self.connection_window,
            stream_window: self.stream_window,
            max_unread: self.max_unread,
            max_idle_frames: self.max_idle_frames,
            handshake_timeout: self.handshake_timeout,
            ping_busy: self.ping_busy,
            ping_idle: self.ping_idle,
            ping_timeout: self.ping_timeout,
            ping_min: self.ping_min,
            ..Config::default()
        }
    }

    /// Bytes of requests and replies that may be held at a time, for all and for one client.
    pub(super) fn bytes(&self) -> (u64, u64) {
        const LEAST: u64 = 1 << 30;
        let total = self.total.bytes;
        let total = total.unwrap_or_else(|| LEAST.max(self.max_message.saturating_mul(4)));
        let per_peer = self.per_peer.bytes;
        let per_peer = per_peer.unwrap_or_else(|| (total / 4).saturating_mul(3));
        (total, per_peer)
    }
}

impl Default for Limits {
    fn default() -> Self {
        let config = Config::default();
        Self {
            max_message: config.max_message,
            max_streams: config.max_streams,
            max_frame: config.max_frame,
            connection_window: config.connection_window,
            stream_window: config.stream_window,
            max_unread: config.max_unread,
            max_idle_frames: config.max_idle_frames,
            handshake_timeout: config.handshake_timeout,
            ping_busy: config.ping_busy,
            ping_idle: config.ping_idle,
            ping_timeout: config.ping_timeout,
            ping_min: config.ping_min,
            max_connections: 16_384,
            max_handshakes: 256,
            total: Quota::new(),
            per_peer: Quota::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_leaves_something_to_others_and_the_largest_request_fits() {
        let mut limits = Limits::default();
        assert_eq!(limits.bytes(), (1 << 30, 3 << 28));
        limits.max_message = 1 << 30;
        assert_eq!(limits.bytes(), (4 << 30, 3 << 30));
        limits.total = Quota::new().bytes(1 << 20);
        assert_eq!(limits.bytes(), (1 << 20, 3 << 18));
        limits.per_peer = Quota::new().bytes(5);
        assert_eq!(limits.bytes(), (1 << 20, 5));
    }
}
