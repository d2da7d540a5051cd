//! Section 6 of `docs/wire.md`, row by row, on real connections: what a failure means to the caller,
//! and what the client does by itself. The clock is paused.

mod peer;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use meshrpc::{
    Call, Code, Kind, Limit, Started,
    connection::{CallFailure, Connection},
    wire::{CallKind, Codec, Config, Metadata, OpenHead, Reason, Retry, Status},
};
use peer::{Door, Fixture, GET, PUT, Peer, Step, call, refusal};
use tokio::io::duplex;

/// More than a pipe holds, and than a client sends in one frame.
const LARGE: usize = 100 << 10;

fn status(reason: Reason) -> Step {
    Step::Status(Box::new(refusal(reason)))
}

// Queued here; dial or handshake failed; wrong instance.

#[tokio::test(start_paused = true)]
async fn a_dial_that_fails_leaves_the_call_to_another_instance() {
    for door in [Door::Refused, Door::Stranger, Door::Slammed] {
        let fixture = Fixture::with([door, Door::Open], 1024, []);
        assert_eq!(fixture.call(PUT, 1).await.expect("one is there"), (7, 1));
        assert_eq!(fixture.world.instances(), ["calls-2"], "{door:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_another_than_the_listed_one_is_not_called() {
    let fixture = Fixture::with([Door::Usurped, Door::Open], 1024, []);
    for _ in 0..4 {
        fixture.call(PUT, 1).await.expect("one is there");
    }
    assert_eq!(fixture.world.instances(), ["calls-2"; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_finds_nobody_until_its_deadline_was_not_started() {
    let fixture = Fixture::with([Door::Refused, Door::Usurped], 1024, []);
    let channel = fixture
        .channel
        .with(Call::new().deadline(Duration::from_secs(5)));
    let error = call(&channel, PUT, 1).await.expect_err("nobody is there");
    assert_eq!(error.kind(), Kind::DeadlineExceeded);
    assert_eq!((error.started(), error.attempts()), (Started::No, 0));
    assert!(fixture.world.dials() > 2, "it was tried again");
    let text = error.to_string();
    assert!(text.contains("connection refused"), "{text}");
    assert!(text.contains("`somebody-else` answers there"), "{text}");
}

// The end of a buffered request was not wholly handed to the kernel, connection lost.

#[tokio::test(start_paused = true)]
async fn a_request_whose_end_was_never_out_is_moved_though_not_idempotent() {
    let fixture = Fixture::new([Step::LoseBeforeEnd]).await;
    let channel = fixture.channel.with(Call::new().retries(false));
    let answer = call(&channel, PUT, LARGE).await;
    assert_eq!(answer.expect("it is moved").0, 7);
    assert_eq!(fixture.world.seen().len(), 1, "one instance had all of it");
}

// OPEN of a streaming request was not wholly handed to the kernel, connection lost.

#[tokio::test(start_paused = true)]
async fn a_stream_whose_open_was_never_out_was_not_started() {
    // The pipe holds less than the head.
    for (value, expected) in [(2_000, Started::No), (1, Started::Unknown)] {
        let (near, far) = duplex(512);
        let peer = tokio::spawn(Peer::accept(far, Config::default()));
        let connection = Connection::connect(near, Arc::default())
            .await
            .expect("the handshake works");
        let peer = peer.await.expect("it does not panic");
        let (_out, reply) = connection
            .stream(streaming(value), Bytes::new(), None)
            .expect("it is taken");
        // The connection's task writes what the pipe takes.
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(peer);
        match reply.head().await {
            Err(CallFailure::Lost { started, .. }) => assert_eq!(started, expected),
            other => panic!("a lost call, not {:?}", other.map(|(head, _)| head)),
        }
    }
}

fn streaming(value: usize) -> OpenHead {
    let mut metadata = Metadata::new();
    metadata.push("key", vec![b'x'; value]);
    OpenHead {
        metadata,
        ..OpenHead::new(CallKind::BothStream, Codec::FieldNamed, PUT.key)
    }
}

// Final GOAWAY with a lower last id.

#[tokio::test(start_paused = true)]
async fn a_call_above_the_last_id_of_a_go_away_is_moved() {
    let fixture = Fixture::new([Step::GoAway]).await;
    let channel = fixture.channel.with(Call::new().retries(false));
    assert_eq!(call(&channel, PUT, 1).await.expect("it is moved").0, 7);
    let [first, second] = fixture.world.instances()[..] else {
        panic!("two instances had it");
    };
    assert_ne!(first, second);
}

// STATUS not started: overloaded, draining.

#[tokio::test(start_paused = true)]
async fn an_overloaded_instance_is_retried_elsewhere_after_the_time_it_named() {
    let after = Duration::from_secs(2);
    let overloaded = Status {
        retry: Retry::After(after),
        ..refusal(Reason::Overloaded)
    };
    let fixture = Fixture::new([Step::Status(Box::new(overloaded))]).await;
    assert_eq!(fixture.call(PUT, 1).await.expect("it is retried"), (7, 2));
    let [first, second] = &fixture.world.seen()[..] else {
        panic!("two instances had it");
    };
    assert_ne!(first.instance, second.instance);
    assert_eq!((first.attempt, second.attempt), (1, 2));
    assert!(second.at - first.at >= after);
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_instance_may_say_never() {
    let never = Status {
        retry: Retry::Never,
        ..refusal(Reason::Overloaded)
    };
    let fixture = Fixture::new([Step::Status(Box::new(never))]).await;
    let error = fixture.call(PUT, 1).await.expect_err("it is final");
    assert_eq!(error.kind(), Kind::Refused { limit: Limit::Load });
    assert_eq!((error.started(), error.attempts()), (Started::No, 1));
    assert_eq!(fixture.world.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn retries_end_with_their_budget() {
    const CALLS: usize = 60;
    let fixture = Fixture::new(vec![status(Reason::Overloaded); 5 * CALLS]).await;
    let start = tokio::time::Instant::now();
    for _ in 0..CALLS {
        let error = fixture.call(GET, 1).await.expect_err("all are refused");
        assert_eq!(error.started(), Started::No);
    }
    let retries = fixture.world.seen().len() - CALLS;
    // A full budget, and three a second.
    let most = 100 + (3.0 * start.elapsed().as_secs_f64()).ceil() as usize;
    assert!(
        (100..=most).contains(&retries),
        "{retries} of {most} retries"
    );
}

#[tokio::test(start_paused = true)]
async fn a_draining_instance_is_left_without_a_token_of_the_budget() {
    const CALLS: usize = 150;
    let steps = (0..CALLS).flat_map(|_| [status(Reason::Draining), Step::Reply]);
    let fixture = Fixture::new(steps).await;
    let start = tokio::time::Instant::now();
    for _ in 0..CALLS {
        assert_eq!(fixture.call(PUT, 1).await.expect("it is moved").0, 7);
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "nothing was waited for");
    for pair in fixture.world.instances().chunks(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

// STATUS not started: unknown method.

#[tokio::test(start_paused = true)]
async fn an_unknown_method_is_looked_for_once_elsewhere() {
    let fixture = Fixture::new([status(Reason::UnknownMethod)]).await;
    assert_eq!(fixture.call(PUT, 1).await.expect("the other has it").0, 7);

    let fixture = Fixture::new(vec![status(Reason::UnknownMethod); 3]).await;
    let error = fixture.call(PUT, 1).await.expect_err("no one has it");
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Protocol, Code::Unimplemented)
    );
    assert_eq!((error.started(), error.attempts()), (Started::No, 1));
    let [first, second] = fixture.world.instances()[..] else {
        panic!("each was asked once");
    };
    assert_ne!(first, second);
    assert_eq!(error.instance(), Some(second));
}

// STATUS not started: schema.

#[tokio::test(start_paused = true)]
async fn another_schema_is_called_once_with_field_names() {
    let codecs = |fixture: &Fixture| -> Vec<Codec> {
        fixture.world.seen().iter().map(|seen| seen.codec).collect()
    };
    let fixture = Fixture::new([status(Reason::Schema)]).await;
    assert_eq!(
        fixture.call(PUT, 1).await.expect("names are understood").0,
        7
    );
    assert_eq!(codecs(&fixture), [Codec::Positional, Codec::FieldNamed]);

    let fixture = Fixture::new(vec![status(Reason::Schema); 3]).await;
    let error = fixture
        .call(PUT, 1)
        .await
        .expect_err("nothing is understood");
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Protocol, Code::FailedPrecondition)
    );
    assert_eq!(error.started(), Started::No);
    assert_eq!(codecs(&fixture), [Codec::Positional, Codec::FieldNamed]);
}

// STATUS not started: too large, denied, invalid argument.

#[tokio::test(start_paused = true)]
async fn other_refusals_are_told_at_once() {
    let too_large = Kind::Refused {
        limit: Limit::MessageSize,
    };
    for (reason, kind) in [
        (Reason::TooLarge, too_large),
        (Reason::Denied, Kind::Denied),
        (Reason::InvalidArgument, Kind::Codec),
    ] {
        let fixture = Fixture::new([status(reason)]).await;
        let error = fixture.call(GET, 1).await.expect_err("it is refused");
        assert_eq!((error.kind(), error.code()), (kind, reason.code()));
        assert_eq!((error.started(), error.attempts()), (Started::No, 1));
        assert_eq!(fixture.world.seen().len(), 1, "{reason:?}");
    }
}

// End sent, no REPLY, connection lost.

#[tokio::test(start_paused = true)]
async fn what_may_have_run_is_an_error_unless_idempotent() {
    let fixture = Fixture::new([Step::Lose]).await;
    let error = fixture.call(PUT, 1).await.expect_err("it may have run");
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!((error.started(), error.attempts()), (Started::Unknown, 1));
    assert_eq!(error.instance(), Some(fixture.world.instances()[0]));
    assert_eq!(fixture.world.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_run_is_retried_elsewhere_if_idempotent() {
    let fixture = Fixture::new([Step::Lose]).await;
    assert_eq!(fixture.call(GET, 1).await.expect("it is retried"), (7, 2));
    let [first, second] = &fixture.world.seen()[..] else {
        panic!("two instances had it");
    };
    assert_ne!(first.instance, second.instance);
    assert_eq!((first.attempt, second.attempt), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn retries_can_be_switched_off() {
    let fixture = Fixture::new([Step::Lose]).await;
    let channel = fixture.channel.with(Call::new().retries(false));
    let error = call(&channel, GET, 1).await.expect_err("it may have run");
    assert_eq!((error.started(), error.attempts()), (Started::Unknown, 1));
    assert_eq!(fixture.world.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_call_is_made_five_times_at_most() {
    let fixture = Fixture::new(vec![Step::Lose; 9]).await;
    let error = fixture.call(GET, 1).await.expect_err("it is always lost");
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!((error.started(), error.attempts()), (Started::Unknown, 5));
    let attempts: Vec<u8> = fixture
        .world
        .seen()
        .iter()
        .map(|seen| seen.attempt)
        .collect();
    assert_eq!(attempts, [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_later_refusal_does_not_hide_that_an_earlier_attempt_may_have_run() {
    let fixture = Fixture::new([Step::Lose, status(Reason::Denied)]).await;
    let error = fixture.call(GET, 1).await.expect_err("it is refused");
    assert_eq!(error.kind(), Kind::Denied);
    assert_eq!((error.started(), error.attempts()), (Started::Unknown, 2));
}

// REPLY seen, then lost; STATUS started.

#[tokio::test(start_paused = true)]
async fn what_ran_is_never_repeated() {
    let fixture = Fixture::new([Step::LoseWithinReply]).await;
    let error = fixture.call(GET, 1).await.expect_err("the reply is cut");
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!((error.started(), error.attempts()), (Started::Yes, 1));
    assert_eq!(fixture.world.seen().len(), 1);

    for reason in [Reason::Application, Reason::Panicked, Reason::Overloaded] {
        let ran = Status {
            code: Some(Code::Unavailable),
            ..Status::refusal(reason, Started::Yes, "it ran")
        };
        let fixture = Fixture::new([Step::Status(Box::new(ran))]).await;
        let error = fixture.call(GET, 1).await.expect_err("it failed");
        assert_eq!((error.started(), error.attempts()), (Started::Yes, 1));
        assert_eq!(fixture.world.seen().len(), 1, "{reason:?}");
    }
}

// Deadline; the caller gives up.

#[tokio::test(start_paused = true)]
async fn a_deadline_resets_the_call() {
    let fixture = Fixture::new([Step::Silence]).await;
    let channel = fixture
        .channel
        .with(Call::new().deadline(Duration::from_secs(1)));
    let error = call(&channel, GET, 1).await.expect_err("nobody answers");
    assert_eq!(error.kind(), Kind::DeadlineExceeded);
    assert_eq!((error.started(), error.attempts()), (Started::Unknown, 1));
    assert_eq!(fixture.world.reset().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_resets_the_call() {
    let fixture = Fixture::new([Step::Silence]).await;
    tokio::select! {
        answer = fixture.call(PUT, 1) => panic!("nobody answers, yet {answer:?}"),
        () = fixture.world.opened(1) => {}
    }
    assert_eq!(fixture.world.reset().await, 0);
    assert_eq!(fixture.world.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_never_queued_was_not_started_when_its_deadline_passes() {
    let fixture = Fixture::with([Door::Open; 2], 1, vec![Step::Silence; 3]);
    fixture
        .channel
        .wait_ready_all()
        .await
        .expect("both are there");
    let channel = fixture
        .channel
        .with(Call::new().deadline(Duration::from_secs(1)));
    let late = async {
        fixture.world.opened(2).await;
        call(&channel, PUT, 1).await
    };
    let error = tokio::select! {
        error = late => error.expect_err("there is no room"),
        _ = fixture.call(PUT, 1) => panic!("nobody answers"),
        _ = fixture.call(PUT, 1) => panic!("nobody answers"),
    };
    assert_eq!(error.kind(), Kind::DeadlineExceeded);
    assert_eq!(error.started(), Started::No);
    assert_eq!(fixture.world.seen().len(), 2);
    assert_eq!(fixture.world.resets(), 0, "there was nothing to reset");
}
