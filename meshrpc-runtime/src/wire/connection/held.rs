//! Bytes that are held for calls of the peer: of a request until it is answered, of a large reply
//! until it is sent.

use std::mem;

use super::{
    super::{
        direction::Inbound,
        head::{Reason, Retry, Status},
        holding::{Held, NoRoom},
    },
    Connection, Event, Side,
    stream::BrokenOff,
};
use crate::error::{Error, Kind, Limit, Started};

impl Connection {
    /// Holds bytes of a request that arrived, or gives the call up if there is no room for them.
    pub(super) fn hold(&mut self, id: u64, bytes: u64) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        if stream.inbound.as_deref().is_none_or(Inbound::is_discarded) {
            return;
        }
        let whole = stream.held + bytes;
        let full = match self.holding.take(bytes, whole, self.now) {
            Ok(()) => {
                stream.held += bytes;
                return;
            }
            Err(full) => full,
        };
        self.counters.count(|counters| &mut counters.unheld_calls);
        if let Some(inbound) = &mut stream.inbound
            && inbound.is_streaming()
        {
            inbound.discard();
            self.holding.free(mem::take(&mut stream.held));
            let error = Error::new(Kind::Refused { limit: Limit::Load }, full.message.clone());
            stream.broken = Some(BrokenOff::Unread(error));
            self.events.push_back(Event::Readable { id });
        }
        self.stop(id, |started| no_room(&full, started));
    }

    /// Server: bytes of a streaming direction that were read are held for the call still, as those
    /// of an item whose end has not come. If there is no room for them, the call ends.
    pub fn hold_read(&mut self, id: u64, bytes: u64) {
        if self.side == Side::Server {
            self.hold(id, bytes);
        }
    }

    /// Server: they are held no more.
    pub fn free_read(&mut self, id: u64, bytes: u64) {
        if let Some(stream) = self.streams.get_mut(id) {
            let freed = stream.held.min(bytes);
            stream.held -= freed;
            self.holding.free(freed);
        }
    }

    /// The bytes that are held for a call, for work that goes on after it is answered.
    pub fn keep_held(&mut self, id: u64) -> Option<Held> {
        let of_stream = self.streams.get_mut(id).map(|stream| &mut stream.held);
        let held = of_stream.or_else(|| self.abandoned.get_mut(&id))?;
        let bytes = mem::take(held);
        self.holding.part(bytes)
    }
}

/// What a caller is told whose call there is no room for.
pub(super) fn no_room(full: &NoRoom, started: Started) -> Status {
    let (reason, retry) = match full.wait {
        Some(wait) => (Reason::Overloaded, Retry::After(wait)),
        None => (Reason::TooLarge, Retry::Never),
    };
    let message = format!("no room for the call: {}", full.message);
    Status {
        retry,
        ..Status::refusal(reason, started, message)
    }
}
