//! What a client takes of its callees, and what it asks of them.

use std::time::Duration;

use crate::wire::Config;

/// What a client takes of its callees, and how often it tries; for
/// [`Mesh::limits`](crate::Mesh::limits). `docs/limits.md` has the whole table.
///
/// ```
/// use meshrpc::{ClientLimits, Mesh};
///
/// let mut limits = ClientLimits::default();
/// limits.max_message = 256 << 20;
/// let mesh = Mesh::in_process().limits(limits);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientLimits {
    /// Largest reply, and largest item of a stream that callees send, in bytes. 128 MiB unless set.
    pub max_message: u64,
    /// Largest payload of one frame, in bytes. 262,152 unless set, from 16,384 to 2²⁴ − 1.
    pub max_frame: u32,
    /// Bytes of all bodies on their way on one connection. 4 MiB unless set, at least 64 KiB.
    pub connection_window: u32,
    /// Bytes of one stream that were received and not read. 1 MiB unless set, at least 16 KiB.
    pub stream_window: u32,
    /// How long the handshake may take. 5 s unless set.
    pub handshake_timeout: Duration,
    /// How long dialling and the handshake may take together. 10 s unless set.
    pub dial_timeout: Duration,
    /// Silence after which a callee with calls under way is pinged. 15 s unless set.
    pub ping_busy: Duration,
    /// Silence after which a callee without calls is pinged. 60 s unless set.
    pub ping_idle: Duration,
    /// How long a ping may go unanswered before the connection ends. 10 s unless set.
    pub ping_timeout: Duration,
    /// Callees must not ping more often. 5 s unless set.
    pub ping_min: Duration,
    /// Upper bound of the first pause between two dials of an instance; it doubles. 50 ms unless
    /// set.
    pub first_backoff: Duration,
    /// Upper bound of every pause between two dials of an instance. 10 s unless set.
    pub longest_backoff: Duration,
    /// Times that one call is handed to an instance at most, moves not counted. Five unless set.
    pub max_attempts: u8,
    /// How many calls may be made again, of all to a deployment.
    pub retries: RetryBudget,
}

/// How many calls to a deployment may be made again, after they failed or were refused.
///
/// A number of retries for each call multiplies the load just when a callee has least room for it.
/// A budget bounds what retries add to the load of all calls.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryBudget {
    /// Retries at once after a quiet time. 100 unless set.
    pub burst: f64,
    /// Retries that one call which succeeds brings. A tenth unless set.
    pub per_success: f64,
    /// Retries that one second brings. Three unless set.
    pub per_second: f64,
}

impl ClientLimits {
    /// What a connection is made with.
    pub(super) fn config(&self) -> Config {
        Config {
            max_message: self.max_message,
            max_frame: self.max_frame,
            connection_window: self.connection_window,
            stream_window: self.stream_window,
            handshake_timeout: self.handshake_timeout,
            ping_busy: self.ping_busy,
            ping_idle: self.ping_idle,
            ping_timeout: self.ping_timeout,
            ping_min: self.ping_min,
            ..Config::default()
        }
    }
}

impl Default for ClientLimits {
    fn default() -> Self {
        let config = Config::default();
        Self {
            max_message: config.max_message,
            max_frame: config.max_frame,
            connection_window: config.connection_window,
            stream_window: config.stream_window,
            handshake_timeout: config.handshake_timeout,
            dial_timeout: Duration::from_secs(10),
            ping_busy: config.ping_busy,
            ping_idle: config.ping_idle,
            ping_timeout: config.ping_timeout,
            ping_min: config.ping_min,
            first_backoff: Duration::from_millis(50),
            longest_backoff: Duration::from_secs(10),
            max_attempts: 5,
            retries: RetryBudget::default(),
        }
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            burst: 100.0,
            per_success: 0.1,
            per_second: 3.0,
        }
    }
}
