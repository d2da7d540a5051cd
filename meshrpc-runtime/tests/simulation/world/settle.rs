//! Everybody goes on to the end: time stands still while the connection lives, since nothing then
//! has to wait for a timer; where it was lost without a word, timers have to notice.

use std::time::Duration;

use super::{
    Check, Who, World,
    call::{Answer, Call},
};

/// Rounds in which something has to come to rest.
const ROUNDS: usize = 20_000;
/// A connection that was lost without a word is noticed within this time, whatever was drawn.
const NOTICED: Duration = Duration::from_secs(200);

impl World {
    pub(crate) fn settle(&mut self) -> Check {
        self.trace(|| "everybody goes on".into());
        // What has not been damaged by now is not.
        self.up.expects = None;
        self.down.expects = None;
        self.go_on()?;
        if self.damaged {
            // Somebody may wait for what is missing.
            self.drop_side(Who::Client);
            self.events(Who::Client)?;
            self.go_on()?;
        }
        let whole = self.up.is_whole() && self.down.is_whole();
        if whole {
            self.nobody_waits()?;
            self.is_empty()?;
        }
        let lives_on = whole && !self.ending;
        if lives_on {
            self.tally.lived_on += 1;
            self.befall(self.setting.farewell);
            self.go_on()?;
        }
        if whole && !(self.client.gone && self.server.gone) {
            return Err("a connection without calls does not end in good order".into());
        }
        self.tally.forged += u64::from(self.up.forged || self.down.forged);
        self.tally.drained += u64::from(self.down.spy.accepts_until.is_some());
        self.notice()?;
        self.nobody_waits()?;
        self.is_empty()?;
        let counters = [self.client.wire.counters(), self.server.wire.counters()];
        self.tally.late_frames += counters.iter().map(|it| it.late_frames).sum::<u64>();
        match counters.iter().find(|it| it.ignored_frames > 0) {
            Some(counters) => Err(format!("frames of no known type: {counters:?}")),
            None => Ok(()),
        }
    }

    /// Without a moment passing, everybody does what there is to do.
    pub(crate) fn go_on(&mut self) -> Check {
        for _ in 0..ROUNDS {
            let mut moved = self.calls_go_on()?;
            for who in [Who::Client, Who::Server] {
                moved |= self.due_now(who)?;
            }
            for who in [Who::Client, Who::Server] {
                self.side(who).report();
                moved |= self.write(who, usize::MAX)?;
                self.events(who)?;
            }
            for who in [Who::Client, Who::Server] {
                moved |= self.read(who, usize::MAX)?;
                self.events(who)?;
            }
            self.check()?;
            if !moved {
                return Ok(());
            }
        }
        match self.damaged {
            // Little can pass where credit was lost.
            true => Ok(()),
            false => Err("nothing comes to rest".into()),
        }
    }

    /// A side does what it wants to do at once.
    fn due_now(&mut self, who: Who) -> Check<bool> {
        let now = self.now;
        let side = self.side(who);
        let due = side.wire.poll_timeout().filter(|_| !side.gone);
        if due.is_none_or(|due| due > now) {
            return Ok(false);
        }
        self.timer(who)?;
        Ok(true)
    }

    /// Timers end what was lost without a word.
    fn notice(&mut self) -> Check {
        let until = self.now + NOTICED;
        while !(self.client.gone && self.server.gone) {
            for who in [Who::Client, Who::Server] {
                // What a side that failed could not write within a moment is not written.
                if self.side(who).wire.fault().is_some() && !self.side(who).gone {
                    self.close(who);
                }
            }
            let due = [&self.client, &self.server]
                .into_iter()
                .filter(|side| !side.gone)
                .filter_map(|side| side.wire.poll_timeout())
                .min();
            let Some(due) = due else { continue };
            self.now = self.now.max(due);
            if self.now > until {
                return Err("a connection that was lost is not noticed".into());
            }
            self.trace(|| "time passes".into());
            self.timer(Who::Client)?;
            self.timer(Who::Server)?;
            self.go_on()?;
        }
        Ok(())
    }

    fn nobody_waits(&self) -> Check {
        match self.calls_that(Call::is_awaited).as_slice() {
            [] => Ok(()),
            ids => Err(format!("calls that never end: {ids:?}")),
        }
    }

    /// Each call goes one step further at both of its ends; true if one did.
    fn calls_go_on(&mut self) -> Check<bool> {
        let mut moved = false;
        for id in self.calls_that(|_| true) {
            moved |= self.caller_goes_on(id)?;
            moved |= self.handler_goes_on(id)?;
        }
        Ok(moved)
    }

    fn caller_goes_on(&mut self, id: u64) -> Check<bool> {
        let Some(call) = self.calls.get(&id) else {
            return Ok(false);
        };
        if call.may_write() {
            if call.written < call.request {
                self.caller_writes(id)?;
            } else {
                self.caller_finishes(id)?;
            }
        } else if call.may_read() {
            self.caller_reads(id)?;
        } else if call.holds_reader() && call.read_whole {
            self.caller_stops_reading(id)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn handler_goes_on(&mut self, id: u64) -> Check<bool> {
        let Some((call, handler)) = self
            .calls
            .get(&id)
            .and_then(|call| Some((call, call.handler.as_ref()?)))
        else {
            return Ok(false);
        };
        if call.handler_is_to_stop() {
            self.handler_ends(id)?;
        } else if call.handler_may_read() {
            self.handler_reads(id)?;
        } else if handler.reader && handler.ended {
            self.handler_stops_reading(id)?;
        } else if call.may_be_answered() {
            self.handler_answers(id)?;
        } else if call.handler_may_write() {
            match handler.answer {
                Answer::Stream { len, written, .. } if written < len => self.handler_writes(id)?,
                _ => self.handler_finishes(id)?,
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}
