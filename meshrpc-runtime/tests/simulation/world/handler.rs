//! What handlers do.

use meshrpc::{
    Code, Started,
    wire::{Codec, Detail, Read, Reason, ReplyHead, Status},
};

use super::{
    Check, Who, World,
    call::{Answer, Handler},
    payload::{Way, payload},
};

impl World {
    pub(crate) fn handler_answers(&mut self, id: u64) -> Check {
        let Some((number, kind)) = self.calls.get(&id).map(|call| (call.number, call.kind)) else {
            return Ok(());
        };
        let streams = kind.streams_in();
        if self.rng.u8(0..8) == 0 {
            return self.handler_fails(id);
        }
        let len = self.length();
        let head = ReplyHead::new(Codec::Positional);
        self.trace(|| format!("call {id} is answered: {len} bytes"));
        let answer = if streams {
            self.server.wire.reply_stream(id, &head);
            Answer::Stream {
                len,
                written: 0,
                finished: false,
            }
        } else {
            self.server
                .wire
                .reply(id, &head, payload(number, Way::Reply, 0..len));
            Answer::Whole(len)
        };
        self.with_handler(id, |handler| {
            handler.answer = answer;
            handler.ended = !streams;
        });
        self.events(Who::Server)
    }

    fn handler_fails(&mut self, id: u64) -> Check {
        self.trace(|| format!("call {id} is answered with an error"));
        let status = Status::application(Code::Aborted, format!("call {id}"), Detail::None);
        self.server.wire.status(id, status);
        self.with_handler(id, |handler| {
            handler.failed = true;
            handler.ended = true;
        });
        self.events(Who::Server)
    }

    pub(crate) fn handler_reads(&mut self, id: u64) -> Check {
        let read = self.server.wire.read(id);
        let failed = self.server.wire.fault().is_some();
        let Some(call) = self.calls.get_mut(&id) else {
            return Ok(());
        };
        let (number, written, finished) = (call.number, call.written, call.finished);
        let no_room = self.server.wire.counters().unheld_calls > 0;
        let given_up = failed || no_room || call.cancelled || call.ended;
        let Some(handler) = &mut call.handler else {
            return Ok(());
        };
        match read {
            Read::Bytes(bytes) => {
                let end = handler.read + bytes.len() as u64;
                handler.misread |=
                    end > written || bytes != payload(number, Way::Request, handler.read..end);
                if handler.misread && !self.damaged {
                    return Err(format!(
                        "handler {id} reads what was not written, up to {end}"
                    ));
                }
                handler.read = end;
            }
            Read::End if !finished || handler.misread || handler.read != written => {
                return Err(format!("handler {id} read {} as the whole", handler.read));
            }
            Read::End => handler.read_whole = true,
            Read::Broken(_) if given_up || handler.cancelled => {
                return self.handler_stops_reading(id);
            }
            Read::Broken(error) => {
                return Err(format!(
                    "nobody gave call {id} up, its request broke off: {error}"
                ));
            }
            Read::Pending => handler.reader_waits = true,
        }
        self.events(Who::Server)
    }

    pub(crate) fn handler_writes(&mut self, id: u64) -> Check {
        let room = self.server.wire.write_room(id);
        let call = self.calls.get_mut(&id);
        let call = call.and_then(|call| Some((call.number, call.handler.as_mut()?)));
        let Some((number, handler)) = call else {
            return Ok(());
        };
        let Answer::Stream { len, written, .. } = &mut handler.answer else {
            return Ok(());
        };
        match room {
            None => return self.handler_ends(id),
            Some(0) => handler.writer_waits = true,
            Some(_) if written == len => {}
            Some(_) => {
                let end = *written + self.rng.u64(1..=*len - *written);
                let piece = payload(number, Way::Reply, *written..end);
                *written = end;
                let written = self.server.wire.write(id, piece);
                written.map_err(|error| format!("a write into room failed: {error}"))?;
                self.trace(|| format!("call {id}: {end} bytes of the reply are written"));
            }
        }
        self.events(Who::Server)
    }

    pub(crate) fn handler_finishes(&mut self, id: u64) -> Check {
        if self.rng.u8(0..8) == 0 {
            return self.handler_fails(id);
        }
        self.trace(|| format!("call {id}: the reply is complete"));
        self.server.wire.finish(id);
        self.with_handler(id, |handler| {
            handler.ended = true;
            if let Answer::Stream { finished, .. } = &mut handler.answer {
                *finished = true;
            }
        });
        self.events(Who::Server)
    }

    pub(crate) fn handler_stops_reading(&mut self, id: u64) -> Check {
        self.trace(|| format!("call {id}: the request is read no more"));
        self.server.wire.stop_reading(id);
        self.with_handler(id, |handler| handler.reader = false);
        self.events(Who::Server)
    }

    /// One that was told to stop says its last word.
    pub(crate) fn handler_ends(&mut self, id: u64) -> Check {
        self.trace(|| format!("call {id}: the handler has stopped"));
        let status = Status::refusal(Reason::Panicked, Started::Yes, "stopped");
        self.server.wire.status(id, status);
        self.with_handler(id, |handler| handler.ended = true);
        self.events(Who::Server)
    }

    pub(crate) fn with_handler(&mut self, id: u64, change: impl FnOnce(&mut Handler)) {
        if let Some(handler) = self
            .calls
            .get_mut(&id)
            .and_then(|call| call.handler.as_mut())
        {
            change(handler);
        }
    }
}
