//! What holds after every step.

use meshrpc::wire::{Audit, FrameType, StreamAudit};

use super::{
    Check, Who, World,
    call::Call,
    spy::{Spy, frames},
};

impl World {
    /// Checks what has to hold now.
    pub(crate) fn check(&mut self) -> Check {
        self.tally.steps += 1;
        self.events(Who::Client)?;
        self.events(Who::Server)?;
        let (client, server) = (self.client.wire.audit(), self.server.wire.audit());
        if self.is_well() {
            let (up, down) = (&self.up.spy, &self.down.spy);
            let windows = (&self.setting.server, &self.setting.client);
            conserved(&client, &server, up, down, windows.0.connection_window)
                .map_err(|what| format!("credit of the client: {what}"))?;
            conserved(&server, &client, down, up, windows.1.connection_window)
                .map_err(|what| format!("credit of the server: {what}"))?;
            stream_credit(&client, &server, up, down, windows.0.stream_window)
                .map_err(|what| format!("stream credit of the client: {what}"))?;
            stream_credit(&server, &client, down, up, windows.1.stream_window)
                .map_err(|what| format!("stream credit of the server: {what}"))?;
            if client.open > self.setting.server.max_streams {
                return Err(format!("{} calls are open", client.open));
            }
            let broke = (client.send == 0 || server.send == 0) && client.bulk + server.bulk > 0;
            self.tally.without_credit += u64::from(broke);
        }
        remembered(&self.calls, &client, self.client.wire.fault().is_some())?;
        let faulted = self.server.wire.fault().is_some();
        for call in self.calls.values() {
            let told = call
                .handler
                .as_ref()
                .is_none_or(|handler| handler.cancelled);
            if faulted && call.is_handled() && !told {
                return Err(format!("handler {} does not know that it is over", call.id));
            }
        }
        let sides = [(0, &client), (1, &server)];
        let grown = sides
            .into_iter()
            .flat_map(|(side, audit)| audit.streams.iter().map(move |stream| (side, stream)))
            .filter(|(_, stream)| stream.over)
            .find_map(|(side, stream)| {
                let call = self.calls.get_mut(&stream.id)?;
                let at_end = *call.received_at_end[side].get_or_insert(stream.received);
                (at_end != stream.received).then_some(stream.id)
            });
        if let Some(id) = grown {
            return Err(format!("call {id} is over, and takes bytes"));
        }
        self.holds_no_more(self.setting.budget)?;
        self.timers_are_set()
    }

    /// Nothing is left of calls that are over.
    pub(crate) fn is_empty(&self) -> Check {
        for side in [&self.client, &self.server] {
            let (who, audit) = (side.who, side.wire.audit());
            // What a closed one could not write is of no use to anybody.
            let queued = if side.gone { 0 } else { audit.queued.len() };
            let left = [
                ("streams", audit.streams.len()),
                ("streams that count", audit.open as usize),
                ("calls that wait", audit.waiting),
                ("streams with bulk", audit.bulk),
                ("handlers without a caller", audit.abandoned),
                ("bytes to be sent", queued),
            ];
            for (what, count) in left {
                if count > 0 {
                    return Err(format!("no call is left, the {who} has {count} {what}"));
                }
            }
        }
        self.holds_no_more(Some(0))
    }

    /// Within the budget of bytes, and with nothing of it held once no call is left.
    fn holds_no_more(&self, most: Option<u64>) -> Check {
        let held = self.budget.as_ref().map_or(0, |budget| budget.held());
        match most.is_some_and(|most| held > most) {
            true => Err(format!("{held} bytes are held, {most:?} may be")),
            false => Ok(()),
        }
    }

    /// A core that looked at its timer lets no deadline pass.
    pub(crate) fn timer_was_handled(&self, who: Who) -> Check {
        match self.overdue(who) {
            Some((id, _)) if self.is_due(who, id) => Err(format!(
                "the deadline of call {id} passed, the {who} did nothing"
            )),
            _ => Ok(()),
        }
    }

    fn is_due(&self, who: Who, id: u64) -> bool {
        self.overdue(who)
            .is_some_and(|(first, deadline)| first == id && deadline <= self.now)
    }

    /// The call of a side that ends first by its deadline.
    fn overdue(&self, who: Who) -> Option<(u64, std::time::Instant)> {
        let wire = match who {
            Who::Client => &self.client.wire,
            Who::Server => &self.server.wire,
        };
        if !wire.is_established() {
            return None;
        }
        let audit = wire.audit();
        let under_way = |call: &&Call| stream(&audit, call.id).is_some_and(|stream| !stream.over);
        let deadline = |call: &Call| match (who, &call.handler) {
            (Who::Client, _) => call.deadline.filter(|_| call.is_awaited()),
            (Who::Server, Some(handler)) if !handler.cancelled && !handler.ended => {
                handler.deadline
            }
            _ => None,
        };
        self.calls
            .values()
            .filter(under_way)
            .filter_map(|call| Some((call.id, deadline(call)?)))
            .min_by_key(|(_, deadline)| *deadline)
    }

    fn timers_are_set(&self) -> Check {
        for (who, side) in [(Who::Client, &self.client), (Who::Server, &self.server)] {
            if let Some((id, deadline)) = self.overdue(who)
                && side
                    .wire
                    .poll_timeout()
                    .is_none_or(|due| due > deadline.max(self.now))
            {
                return Err(format!("the {who} would look too late at call {id}"));
            }
        }
        Ok(())
    }
}

/// What one side may send, what is under way, and what the other owes is the window.
fn conserved(
    sender: &Audit<'_>,
    receiver: &Audit<'_>,
    there: &Spy,
    back: &Spy,
    window: u32,
) -> Check {
    let returned = back.sums.credit + queued_credit(receiver, back, 0);
    let sums = [sender.send, there.sums.data, receiver.owed, returned];
    if sums.iter().sum::<u64>() != u64::from(window)
        || receiver.receive + receiver.owed != u64::from(window)
    {
        return Err(format!(
            "to spend, under way, owed, returning: {sums:?}, of {window}; counted there: {}",
            receiver.receive
        ));
    }
    Ok(())
}

/// The same for each stream that both sides know.
fn stream_credit(
    sender: &Audit<'_>,
    receiver: &Audit<'_>,
    there: &Spy,
    back: &Spy,
    window: u32,
) -> Check {
    let sending = |audit: &StreamAudit| audit.send.filter(|_| !audit.over);
    for (id, send) in sender
        .streams
        .iter()
        .filter_map(|it| Some((it.id, sending(it)?)))
    {
        let known = stream(receiver, id);
        let under_way = there.stream_sums.get(&id).copied().unwrap_or_default();
        let returning = back.stream_sums.get(&id).copied().unwrap_or_default();
        let there = match known {
            Some(known) if known.over || known.ended => continue,
            Some(known) => match (known.inbound, known.received) {
                (Some(inbound), _) => {
                    if inbound.receive + inbound.owed + inbound.unread != u64::from(window) {
                        return Err(format!("{id}: {inbound:?} of {window}"));
                    }
                    inbound.owed + inbound.unread
                }
                // It has not begun.
                (None, 0) => 0,
                // Nobody reads it.
                _ => continue,
            },
            None if there.said(id).is_new() => 0,
            None => continue,
        };
        let sums = [
            send,
            under_way.data,
            there,
            returning.credit + queued_credit(receiver, back, id),
        ];
        let is_read = known.is_some_and(|known| known.inbound.is_some());
        let all: u64 = sums.iter().sum();
        if is_read && all != u64::from(window) || all > u64::from(window) {
            return Err(format!(
                "{id}: to spend, under way, there, returning: {sums:?}, of {window}"
            ));
        }
    }
    Ok(())
}

/// Every call that is waited for is known to the client's core, and none once it is over.
fn remembered(
    calls: &std::collections::BTreeMap<u64, Call>,
    client: &Audit<'_>,
    failed: bool,
) -> Check {
    for call in calls.values().filter(|call| call.is_awaited()) {
        match stream(client, call.id) {
            None => return Err(format!("call {} is forgotten, and waited for", call.id)),
            Some(known) if failed && !known.over => {
                return Err(format!("the connection is over, call {} is not", call.id));
            }
            Some(known) if known.over && !call.reader => {
                return Err(format!("call {} is over, and its caller waits", call.id));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn queued_credit(audit: &Audit<'_>, spy: &Spy, stream: u64) -> u64 {
    frames(audit.queued, spy.taken == 0)
        .filter(|frame| frame.kind == FrameType::Credit as u8 && frame.stream == stream)
        .map(|frame| frame.credit())
        .sum()
}

fn stream<'a>(audit: &'a Audit<'_>, id: u64) -> Option<&'a StreamAudit> {
    let at = audit.streams.binary_search_by_key(&id, |stream| stream.id);
    at.ok().map(|at| &audit.streams[at])
}
