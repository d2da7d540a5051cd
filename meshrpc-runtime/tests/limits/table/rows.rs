//! What is bounded, by what, and what is said of it.

use std::time::Duration;

use meshrpc::{
    ClientLimits, Limits,
    codec::{MAX_DEPTH, MAX_EMPTY_ELEMENTS},
    wire::{MAX_METADATA_BYTES, MAX_METADATA_ENTRIES, MAX_SESSION_KEY},
};

/// One limit.
pub(super) struct Row {
    /// What is bounded.
    pub(super) what: &'static str,
    pub(super) default: String,
    /// What sets it.
    pub(super) setting: &'static str,
    /// Whose it is, and why.
    pub(super) why: &'static str,
    /// What whoever exceeds it is told, numbers being `N`.
    pub(super) said: &'static str,
    /// What counts it.
    pub(super) counter: &'static str,
}

fn bytes(number: u64) -> String {
    match number {
        _ if number.is_multiple_of(1 << 30) => format!("{} GiB", number >> 30),
        _ if number.is_multiple_of(1 << 20) => format!("{} MiB", number >> 20),
        _ if number.is_multiple_of(1 << 10) => format!("{} KiB", number >> 10),
        _ => format!("{number} bytes"),
    }
}

fn time(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{} ms", time.as_millis()),
    }
}

/// All of them.
pub(super) fn rows() -> Vec<Row> {
    let (server, client) = (Limits::default(), ClientLimits::default());
    let row = |what, default: String, setting, why, said, counter| Row {
        what,
        default,
        setting,
        why,
        said,
        counter,
    };
    let none = "none: the protocol's";
    vec![
        row(
            "largest request",
            bytes(server.max_message),
            "`Limits::max_message`",
            "the callee's: a request is read whole before its method starts",
            "`Refused { MessageSize }`: the request has N bytes, the callee takes N (`Limits::max_message` of its server)",
            "`wire().oversized_messages`, of those that came nevertheless",
        ),
        row(
            "largest reply",
            bytes(client.max_message),
            "`ClientLimits::max_message`",
            "the caller's: a reply is read whole",
            "`Refused { MessageSize }`: the reply has N bytes, the caller takes N (`ClientLimits::max_message` of its mesh)",
            "`wire().oversized_messages` of the callee",
        ),
        row(
            "largest item that is sent",
            bytes(server.max_message),
            "`Limits::max_message`",
            "the callee's: an item is read whole",
            "`Refused { MessageSize }`: an item of N bytes, where the callee takes N (`Limits::max_message` of its server)",
            "none: it is not sent",
        ),
        row(
            "largest item that is answered",
            bytes(client.max_message),
            "`ClientLimits::max_message`",
            "the caller's: an item is read whole",
            "`Refused { MessageSize }`: an item of N bytes, where the caller takes N (`ClientLimits::max_message` of its mesh)",
            "none: it is not sent",
        ),
        row(
            "calls of a connection",
            server.max_streams.to_string(),
            "`Limits::max_streams`",
            "the callee's: a client waits with further ones; handlers whose callers have gone count",
            "`Refused { Load }`: N calls of this connection are under way, as many as the callee takes at a time (`Limits::max_streams` of its server)",
            "`wire().refused_streams`",
        ),
        row(
            "twice the calls of a connection",
            (2 * server.max_streams).to_string(),
            "`Limits::max_streams`",
            "the callee's: nobody exceeds it by mistake",
            "the connection ends: the peer opened more than twice the N calls that it may at a time (`max_streams`)",
            "`misbehaved_connections`",
        ),
        row(
            "a frame",
            bytes(server.max_frame.into()),
            "`Limits::max_frame`, `ClientLimits::max_frame`",
            "each side's own: room for a chunk of 256 KiB and its count",
            "the connection ends: the peer announced a frame of N bytes, this side takes N (`max_frame`)",
            "`misbehaved_connections`",
        ),
        row(
            "bytes on their way",
            format!(
                "{} of a connection, {} of a stream",
                bytes(server.connection_window.into()),
                bytes(server.stream_window.into())
            ),
            "`Limits::connection_window`, `Limits::stream_window`, `ClientLimits::connection_window`, `ClientLimits::stream_window`",
            "each side's own: what a fast link with a long way holds; the other side waits",
            "the connection ends: the peer sent more than it had credit for (`connection_window`, `stream_window`)",
            "`misbehaved_connections`",
        ),
        row(
            "answers that are not read",
            bytes(server.max_unread.into()),
            "`Limits::max_unread`",
            "the callee's: beyond it the client is not read until it reads",
            "nothing: it waits",
            "`wire().unread_answers`",
        ),
        row(
            "frames that bring nothing",
            format!(
                "{} at once, 8 more for each call, 100 each second",
                server.max_idle_frames
            ),
            "`Limits::max_idle_frames`",
            "the callee's: most are the shadow of a call that was taken back",
            "the connection ends: the peer sent more frames that bring nothing than it may: N at once (`max_idle_frames`)",
            "`misbehaved_connections`, `wire().idle_frames`, `wire().ignored_frames`, `wire().late_frames`",
        ),
        row(
            "a handshake's time",
            time(server.handshake_timeout),
            "`Limits::handshake_timeout`, `ClientLimits::handshake_timeout`",
            "each side's own: one round trip, over any link",
            "the connection ends: the handshake did not end within N (`handshake_timeout`)",
            "`handshake_timeouts`",
        ),
        row(
            "a dial's time",
            time(client.dial_timeout),
            "`ClientLimits::dial_timeout`",
            "the caller's: dial and handshake together, before the next try",
            "no instance is connected: no answer within N (`ClientLimits::dial_timeout`)",
            "none",
        ),
        row(
            "silence before a ping",
            format!(
                "{} with calls under way, {} without",
                time(server.ping_busy),
                time(server.ping_idle)
            ),
            "`Limits::ping_busy`, `Limits::ping_idle`, `ClientLimits::ping_busy`, `ClientLimits::ping_idle`",
            "each side's own: a peer that is gone without a word is noticed",
            "nothing",
            "none",
        ),
        row(
            "an unanswered ping",
            time(server.ping_timeout),
            "`Limits::ping_timeout`, `ClientLimits::ping_timeout`",
            "each side's own: any frame answers it",
            "the connection ends, `Unavailable`: the peer has not answered a ping for N (`ping_timeout`)",
            "`ping_timeouts`",
        ),
        row(
            "pings",
            format!("one in {}", time(server.ping_min)),
            "`Limits::ping_min`, `ClientLimits::ping_min`",
            "each side's own: eight that come twice as often are forgiven",
            "the connection ends: the peer pinged more often than once in N (`ping_min`)",
            "`misbehaved_connections`, `wire().hasty_pings`",
        ),
        row(
            "connections",
            server.max_connections.to_string(),
            "`Limits::max_connections`",
            "the callee's: each takes a descriptor and some memory",
            "`Refused { Connections }`, to callers as why no instance is connected: it takes no more connections: N are open, N may be (`Limits::max_connections`)",
            "`refused_connections`",
        ),
        row(
            "handshakes at a time",
            server.max_handshakes.to_string(),
            "`Limits::max_handshakes`",
            "the callee's: with one more the oldest is closed, since a good client needs one round trip",
            "nothing: the connection is closed, and the client dials again",
            "`cut_handshakes`",
        ),
        row(
            "calls of all",
            "any number".into(),
            "`Quota::calls` of `Limits::total`",
            "the callee's: what its handlers can do at a time",
            "`Refused { Load }`: this server has N calls under way, as many as it may have at a time (`calls` of `Limits::total`)",
            "`shed_by_calls`",
        ),
        row(
            "calls of a client",
            "any number".into(),
            "`Quota::calls` of `Limits::per_peer`",
            "the callee's: one client leaves something to others",
            "`Refused { Load }`: client `ANY` has N calls under way, as many as it may have at a time (`calls` of `Limits::per_peer`)",
            "`shed_by_calls`",
        ),
        row(
            "calls of a contract",
            "any number".into(),
            "`Quota::calls` of `HandlerExt::within`",
            "the callee's: one contract leaves something to others",
            "`Refused { Load }`: contract `ANY` has N calls under way, as many as it may have at a time (`calls` of `HandlerExt::within`)",
            "`shed_by_calls`",
        ),
        row(
            "calls a second",
            "any number".into(),
            "`Quota::rate` of the same",
            "the callee's: what stands behind it bears no more",
            "`Refused { Load }`: this server may be called N times a second, N at once (`rate` of `Limits::total`)",
            "`shed_by_rate`",
        ),
        row(
            "bytes of all",
            "1 GiB, or four of the largest requests".into(),
            "`Quota::bytes` of `Limits::total`",
            "the callee's: what it holds of requests and large replies",
            "`Refused { Load }`: no room for the call: this server holds N bytes of requests and replies at a time (`bytes` of `Limits::total`)",
            "`shed_by_bytes`, `wire().unheld_calls`",
        ),
        row(
            "bytes of a client",
            "three quarters of those of all".into(),
            "`Quota::bytes` of `Limits::per_peer`",
            "the callee's: one client leaves something to others",
            "`Refused { Load }`: no room for the call: client `ANY` may have this server hold N bytes of requests and replies at a time (`bytes` of `Limits::per_peer`)",
            "`shed_by_bytes`, `wire().unheld_calls`",
        ),
        row(
            "bytes of a contract",
            "any number".into(),
            "`Quota::bytes` of `HandlerExt::within`",
            "the callee's: of requests that are whole",
            "`Refused { Load }`: contract `ANY` may hold N bytes of requests at a time and holds N: there is no room for N (`bytes` of `HandlerExt::within`)",
            "`shed_by_bytes`",
        ),
        row(
            "pauses between dials",
            format!(
                "{} at first, {} at most",
                time(client.first_backoff),
                time(client.longest_backoff)
            ),
            "`ClientLimits::first_backoff`, `ClientLimits::longest_backoff`",
            "the caller's: upper bounds of random pauses, so that clients that lost one server do not come back together",
            "nothing",
            "none",
        ),
        row(
            "attempts of a call",
            client.max_attempts.to_string(),
            "`ClientLimits::max_attempts`",
            "the caller's: one stubborn call does not use up the budget",
            "the failure of the last attempt",
            "`Error::attempts`",
        ),
        row(
            "retries",
            format!(
                "{} at once, {} for each call that succeeds, {} a second",
                client.retries.burst, client.retries.per_success, client.retries.per_second
            ),
            "`ClientLimits::retries`: `RetryBudget::burst`, `RetryBudget::per_success`, `RetryBudget::per_second`",
            "the caller's, for a deployment: retries must not multiply the load of a callee in need",
            "the failure of the last attempt",
            "`Error::attempts`",
        ),
        row(
            "time of a call",
            "30 s, streams none".into(),
            "`MESHRPC_DEADLINE`, `#[mesh(deadline)]`, `Call::deadline`",
            "the caller's: nobody waits for ever unless it says so",
            "`DeadlineExceeded`",
            "none",
        ),
        row(
            "body at a gateway",
            "16 MiB".into(),
            "`GatewayBuilder::max_body`",
            "the gateway's: JSON is read whole",
            "413, `resource_exhausted`: the body has more than N bytes, the largest that this gateway takes (`GatewayBuilder::max_body`)",
            "none",
        ),
        row(
            "entries of metadata",
            MAX_METADATA_ENTRIES.to_string(),
            none,
            "a head fits one frame, and is read by whoever stands between",
            "`Refused { Metadata }`: the call has N entries of metadata, where the protocol takes N",
            "none: it is not sent",
        ),
        row(
            "bytes of metadata",
            bytes(MAX_METADATA_BYTES as u64),
            none,
            "the same",
            "`Refused { Metadata }`: the call has N bytes of metadata, where the protocol takes N",
            "none: it is not sent",
        ),
        row(
            "a metadata key",
            "1 to 255 bytes".into(),
            none,
            "its length is one byte",
            "`Refused { Metadata }`: the call has a metadata key of N bytes, where the protocol takes from N to N",
            "none: it is not sent",
        ),
        row(
            "a session key",
            format!("{MAX_SESSION_KEY} bytes"),
            none,
            "it is hashed for each instance",
            "`Refused { SessionKey }`: a session key of N bytes, where the protocol takes N",
            "none: it is not sent",
        ),
        row(
            "levels of nesting",
            MAX_DEPTH.to_string(),
            none,
            "a reader's stack, whoever wrote",
            "`Codec`: nested deeper than N levels",
            "`invalid_arguments`",
        ),
        row(
            "elements without bytes",
            MAX_EMPTY_ELEMENTS.to_string(),
            none,
            "they cost time and no bytes",
            "`Codec`: more than N elements that take no bytes",
            "`invalid_arguments`",
        ),
        row(
            "a hello",
            "16,384 bytes, 64 contracts, names of 128 bytes".into(),
            none,
            "it is read before anybody is known",
            "the connection ends",
            "`broken_connections`",
        ),
        row(
            "the first bytes of a direction",
            "16 KiB".into(),
            none,
            "a small message needs no credit, and so passes beside any bulk",
            "the connection ends",
            "`misbehaved_connections`",
        ),
        row(
            "what a stream has queued",
            "256 KiB".into(),
            none,
            "each side's own: its writer waits",
            "nothing: it waits",
            "none",
        ),
        row(
            "an error that crosses",
            "a message of 1,024 bytes, 64 sources, one frame".into(),
            none,
            "it is cut, so that an error never fails for its length",
            "nothing: it is cut",
            "none",
        ),
    ]
}
