//! What is known of a call: what its caller did and saw, and what its handler did.

use std::time::Instant;

use meshrpc::wire::CallKind;

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: u64,
    /// What its bodies are made of.
    pub(crate) number: u64,
    pub(crate) kind: CallKind,
    pub(crate) deadline: Option<Instant>,
    /// Bytes of the whole request.
    pub(crate) request: u64,
    /// Bytes of a streaming request that were handed to the core.
    pub(crate) written: u64,
    pub(crate) finished: bool,
    /// The caller still writes.
    pub(crate) writer: bool,
    /// It found no room, and waits to be told that there is some.
    pub(crate) writer_waits: bool,
    /// The caller gave up.
    pub(crate) cancelled: bool,
    /// A REPLY has arrived.
    pub(crate) reply_seen: bool,
    /// The caller holds a stream to read.
    pub(crate) reader: bool,
    pub(crate) reader_waits: bool,
    /// Bytes of a streaming reply that were read.
    pub(crate) read: u64,
    /// What was read of it is not what was sent: it must not come to an end.
    pub(crate) misread: bool,
    /// The streaming reply was read to its end.
    pub(crate) read_whole: bool,
    /// The core said how the call ended: a reply, or a failure.
    pub(crate) ended: bool,
    /// It ended with a failure.
    pub(crate) failed: bool,
    /// The caller was told that no handler had it, or will have it.
    pub(crate) said_not_started: bool,
    /// Bytes that had arrived when the stream was over at the client, and at the server.
    pub(crate) received_at_end: [Option<u64>; 2],
    pub(crate) handler: Option<Handler>,
}

/// Who serves it.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) deadline: Option<Instant>,
    /// Bytes of a streaming request that were read.
    pub(crate) read: u64,
    pub(crate) misread: bool,
    pub(crate) read_whole: bool,
    pub(crate) reader: bool,
    pub(crate) reader_waits: bool,
    pub(crate) writer_waits: bool,
    pub(crate) answer: Answer,
    /// It ended the call, or its streaming answer, with an error.
    pub(crate) failed: bool,
    /// It was told to stop.
    pub(crate) cancelled: bool,
    /// It said its last word.
    pub(crate) ended: bool,
}

/// What a handler answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    None,
    /// A value of so many bytes.
    Whole(u64),
    /// A stream of so many bytes, of which the core has so many.
    Stream {
        len: u64,
        written: u64,
        finished: bool,
    },
}

impl Call {
    pub(crate) fn new(
        id: u64,
        number: u64,
        kind: CallKind,
        request: u64,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            id,
            number,
            kind,
            deadline,
            request,
            written: 0,
            finished: !kind.streams_out(),
            writer: kind.streams_out(),
            writer_waits: false,
            cancelled: false,
            reply_seen: false,
            reader: false,
            reader_waits: false,
            read: 0,
            misread: false,
            read_whole: false,
            ended: false,
            failed: false,
            said_not_started: false,
            received_at_end: [None; 2],
            handler: None,
        }
    }

    /// The caller waits for the end.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.cancelled && !self.ended
    }

    pub(crate) fn holds_writer(&self) -> bool {
        self.writer && !self.cancelled
    }

    pub(crate) fn may_write(&self) -> bool {
        self.holds_writer() && !self.writer_waits
    }

    pub(crate) fn holds_reader(&self) -> bool {
        self.reader && !self.cancelled
    }

    pub(crate) fn may_read(&self) -> bool {
        self.holds_reader() && !self.reader_waits && !self.read_whole
    }

    fn handler_is(&self, what: impl Fn(&Handler) -> bool) -> bool {
        self.handler.as_ref().is_some_and(what)
    }

    /// It runs, and has a last word to say.
    pub(crate) fn is_handled(&self) -> bool {
        self.handler_is(|handler| !handler.ended)
    }

    pub(crate) fn may_be_answered(&self) -> bool {
        self.handler_is(|handler| !handler.ended && handler.answer == Answer::None)
    }

    pub(crate) fn handler_holds_reader(&self) -> bool {
        self.handler_is(|handler| handler.reader)
    }

    pub(crate) fn handler_may_read(&self) -> bool {
        self.handler_is(|handler| handler.reader && !handler.reader_waits && !handler.read_whole)
    }

    pub(crate) fn handler_may_write(&self) -> bool {
        self.handler_is(|handler| {
            !handler.ended
                && !handler.writer_waits
                && matches!(handler.answer, Answer::Stream { .. })
        })
    }

    pub(crate) fn handler_is_to_stop(&self) -> bool {
        self.handler_is(|handler| handler.cancelled && !handler.ended)
    }
}
