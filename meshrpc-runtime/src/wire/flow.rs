//! Credit: how much each side may send before the other has made room.
//!
//! Body bytes in DATA cost *connection* credit, which is returned on receipt, also for a stream that
//! is forgotten: so no one has to remember a dead stream to keep the sums right. Every byte of a
//! streaming direction costs *stream* credit, which is returned when the byte is consumed. The first
//! bytes of a message, in OPEN and REPLY, cost nothing. So a small message always passes, and a
//! stream that nobody reads stops itself and nothing else.

/// What this side may still send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendCredit {
    /// Granted and not used.
    available: u64,
    /// Used and not given back.
    outstanding: u64,
}

impl SendCredit {
    pub(crate) fn new(window: u32) -> Self {
        Self {
            available: window.into(),
            outstanding: 0,
        }
    }

    pub(crate) fn available(&self) -> u64 {
        self.available
    }

    pub(crate) fn outstanding(&self) -> u64 {
        self.outstanding
    }

    pub(crate) fn spend(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.available, "a sender looks before it spends");
        self.available = self.available.saturating_sub(bytes);
        self.outstanding = self.outstanding.saturating_add(bytes);
    }

    /// `None` if the peer gives more than a window can hold.
    pub(crate) fn grant(&mut self, bytes: u64) -> Option<()> {
        self.available = self
            .available
            .checked_add(bytes)
            .filter(|sum| *sum <= 1 << 40)?;
        self.outstanding = self.outstanding.saturating_sub(bytes);
        Some(())
    }
}

/// What the peer may still send, and what it is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceiveWindow {
    window: u64,
    available: u64,
    owed: u64,
}

impl ReceiveWindow {
    pub(crate) fn new(window: u32) -> Self {
        Self {
            window: window.into(),
            available: window.into(),
            owed: 0,
        }
    }

    /// Whether the peer has credit for as many bytes.
    pub(crate) fn allows(&self, bytes: u64) -> bool {
        bytes <= self.available
    }

    /// Bytes arrived. `None` if there was no credit for them.
    pub(crate) fn arrived(&mut self, bytes: u64) -> Option<()> {
        self.available = self.available.checked_sub(bytes)?;
        Some(())
    }

    /// Bytes that arrived made room again.
    pub(crate) fn freed(&mut self, bytes: u64) {
        self.owed += bytes;
    }

    /// Takes what is to be returned now: at half the window, or whatever there is `at_once`.
    pub(crate) fn take_grant(&mut self, at_once: bool) -> Option<u32> {
        if self.owed == 0 || (!at_once && self.owed < self.window / 2) {
            return None;
        }
        let grant = u32::try_from(self.owed).unwrap_or(u32::MAX);
        self.owed -= u64::from(grant);
        self.available += u64::from(grant);
        Some(grant)
    }
    /// What the peer may send.
    #[cfg(feature = "testing")]
    pub(crate) fn available(&self) -> u64 {
        self.available
    }

    /// What the peer is owed.
    #[cfg(feature = "testing")]
    pub(crate) fn owed(&self) -> u64 {
        self.owed
    }
}
