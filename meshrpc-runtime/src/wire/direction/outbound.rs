//! Bytes that go out.

use std::collections::VecDeque;

use bytes::Bytes;

use super::super::flow::SendCredit;

/// A direction that is sent.
#[derive(Debug)]
pub(crate) struct Outbound {
    /// Body bytes put into frames.
    pub(crate) sent: u64,
    /// The frame that ends the direction was queued.
    pub(crate) end_sent: bool,
    /// No more bytes will be added.
    pub(crate) finished: bool,
    /// Stream credit, for a streaming direction.
    pub(crate) credit: Option<SendCredit>,
    /// It stands in the connection's bulk queue.
    pub(crate) in_bulk: bool,
    queue: VecDeque<Bytes>,
    queued: usize,
}

impl Outbound {
    pub(crate) fn buffered() -> Self {
        Self::new(None)
    }

    pub(crate) fn streaming(window: u32) -> Self {
        Self::new(Some(SendCredit::new(window)))
    }

    fn new(credit: Option<SendCredit>) -> Self {
        Self {
            sent: 0,
            end_sent: false,
            finished: false,
            credit,
            in_bulk: false,
            queue: VecDeque::new(),
            queued: 0,
        }
    }

    pub(crate) fn queue(&mut self, bytes: Bytes) {
        self.queued += bytes.len();
        if !bytes.is_empty() {
            self.queue.push_back(bytes);
        }
    }

    /// Bytes that wait for a frame.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// Takes up to `len` of the queued bytes for the frame that begins a message, all from its first
    /// piece.
    pub(crate) fn take_first(&mut self, len: usize) -> Bytes {
        let taken = match self.queue.front_mut() {
            Some(first) => first.split_to(len.min(first.len())),
            None => Bytes::new(),
        };
        if self.queue.front().is_some_and(Bytes::is_empty) {
            self.queue.pop_front();
        }
        self.queued -= taken.len();
        self.sent += taken.len() as u64;
        self.end_sent = self.finished && self.queued == 0;
        taken
    }

    /// Takes the next `len` queued bytes.
    pub(crate) fn take_next(&mut self, mut len: usize, mut put: impl FnMut(Bytes)) {
        self.queued -= len;
        while len > 0
            && let Some(first) = self.queue.front_mut()
        {
            let taken = first.split_to(len.min(first.len()));
            if first.is_empty() {
                self.queue.pop_front();
            }
            len -= taken.len();
            put(taken);
        }
    }

    /// Nothing more will be sent.
    pub(crate) fn abandon(&mut self) {
        self.queue.clear();
        self.queued = 0;
        self.finished = true;
        self.end_sent = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_no_bytes_ends_where_it_begins() {
        let mut outbound = Outbound::buffered();
        outbound.finished = true;
        assert!(outbound.take_first(100).is_empty());
        assert!(outbound.end_sent, "a frame of its own for nothing");
    }
}
