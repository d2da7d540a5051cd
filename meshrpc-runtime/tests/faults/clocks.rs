//! Sides that do not agree what time it is: nothing on the wire is a time of day, so nothing comes
//! of it.

use std::time::{Duration, Instant};

use meshrpc::wire::{Config, Event};

use crate::{Pair, events, reply_head};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The same calls are the same bytes in another year.
#[test]
fn fault_36_no_time_of_day_is_on_the_wire() {
    let now = Instant::now();
    assert_eq!(conversation(now, now), conversation(now + YEAR, now + YEAR));
}

/// A deadline is as far away on the callee's clock as it was on the caller's, however far the two
/// are apart.
#[test]
fn fault_36_a_deadline_is_as_long_on_a_clock_that_is_years_off() {
    let now = Instant::now();
    for (client, server) in [(now, now), (now, now + 20 * YEAR), (now + 20 * YEAR, now)] {
        let mut pair = Pair::at(Config::default(), client, server);
        let time = Duration::from_millis(1500);
        pair.call("x", Some(client + time));
        pair.settle();
        let calls = events(&mut pair.server);
        let [Event::Call { deadline, .. }] = &calls[..] else {
            panic!("{calls:?}");
        };
        assert_eq!(*deadline, Some(server + time));
        pair.wait(time - Duration::from_millis(1));
        assert!(events(&mut pair.client).is_empty(), "the caller gave up");
        assert!(events(&mut pair.server).is_empty(), "the callee gave up");
        pair.wait(Duration::from_millis(1));
        let (caller, callee) = (events(&mut pair.client), events(&mut pair.server));
        assert!(matches!(caller[..], [Event::Failed { .. }]), "{caller:?}");
        assert!(
            matches!(callee[..], [Event::Cancelled { .. }]),
            "{callee:?}"
        );
    }
    assert_eq!(
        conversation(now, now),
        conversation(now, now + 20 * YEAR),
        "the bytes do not tell whose clock is off"
    );
}

/// Everything both sides write in a handshake, calls, pings and a go-away.
fn conversation(client: Instant, server: Instant) -> Vec<Vec<u8>> {
    let mut pair = Pair::at(Config::default(), client, server);
    let mut said = Vec::new();
    for round in 0..3u8 {
        let deadline = pair.client_now + Duration::from_secs(10);
        pair.call(vec![round; 50_000], Some(deadline));
        pair.call("to be left", Some(pair.client_now + Duration::from_secs(1)));
        said.extend(pair.settle());
        for event in events(&mut pair.server) {
            if let Event::Call { id, body, .. } = event
                && body.is_some_and(|body| body.len() == 50_000)
            {
                pair.server.reply(id, &reply_head(), vec![round; 70_000]);
            }
        }
        said.extend(pair.settle());
        pair.wait(Duration::from_secs(1));
        said.extend(pair.settle());
        // Long enough for pings.
        for _ in 0..7 {
            pair.wait(Duration::from_secs(10));
            said.extend(pair.settle());
        }
        events(&mut pair.client);
    }
    let now = pair.server_now;
    pair.server.go_away(now);
    said.extend(pair.settle());
    assert!(said.len() > 20, "{} pieces", said.len());
    said
}
