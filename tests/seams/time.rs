//! Delays, deadlines and partitions on a paused clock, and chance.

use std::time::Duration;

use meshrpc::{
    Call, Client, Context, Error, Kind, Server, Started, mesh_service,
    testing::{Fault, Network, pair, seed},
};
use tokio::time::Instant;

use crate::{Drawer, Till as _, TillClient, TillHandler, rest};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_ends_is_given_up_after_thirty_seconds_that_nobody_waits() {
    let till: TillClient = pair(Drawer::named("drawer"));
    let start = Instant::now();
    let error = till.hold(1).await.unwrap_err();
    assert_eq!(error.kind(), Kind::DeadlineExceeded, "{error}");
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_late_beyond_the_deadline_does_not_run_any_more() {
    let (network, drawer) = (Network::new(), Drawer::named("drawer"));
    let till: TillClient = network.pair(drawer.clone());
    till.charge(1, "first").await.unwrap();
    network.inject_open(Fault::to_server().delay(SECOND * 8));
    let start = Instant::now();
    let hasty = till.with(Call::new().deadline(SECOND * 5));
    let error = hasty.charge(2, "second").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::DeadlineExceeded, Started::Unknown)
    );
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(drawer.ran(2), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_late_beyond_the_deadline_leaves_open_whether_the_call_ran() {
    let (network, drawer) = (Network::new(), Drawer::named("drawer"));
    let till: TillClient = network.pair(drawer.clone());
    till.charge(1, "first").await.unwrap();
    network.inject_open(Fault::to_client().delay(SECOND * 8));
    let hasty = till.with(Call::new().deadline(SECOND * 5));
    let error = hasty.charge(2, "second").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::DeadlineExceeded, Started::Unknown)
    );
    assert_eq!(drawer.ran(2), 1);
    // The late reply is nobody else's.
    tokio::time::sleep(SECOND * 8).await;
    assert_eq!(till.charge(3, "third").await.unwrap(), "drawer:3:third:1");
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_as_long_as_it_says() {
    let network = Network::new();
    let till: TillClient = network.pair(Drawer::named("drawer"));
    till.charge(1, "first").await.unwrap();
    network.inject_open(Fault::to_server().delay(Duration::from_millis(300)));
    network.inject_open(Fault::to_client().delay(Duration::from_millis(200)));
    let start = Instant::now();
    till.charge(2, "second").await.unwrap();
    let taken = start.elapsed().as_millis();
    assert!((500..=502).contains(&taken), "{taken} ms");
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_heals_in_time_costs_a_call_nothing_but_time() {
    let (network, drawer) = (Network::new(), Drawer::named("drawer"));
    let till: TillClient = network.pair(drawer.clone());
    till.charge(1, "first").await.unwrap();
    network.partition();
    let call = tokio::spawn(async move { till.charge(2, "second").await });
    tokio::time::sleep(SECOND * 10).await;
    assert_eq!(drawer.ran(2), 0);
    network.heal();
    assert_eq!(call.await.unwrap().unwrap(), "drawer:2:second:1");
    assert_eq!(network.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn fault_01_a_half_open_connection_ends_and_the_next_call_finds_a_new_one() {
    let (network, drawer) = (Network::new(), Drawer::named("drawer"));
    let till: TillClient = network.pair(drawer.clone());
    till.charge(1, "first").await.unwrap();
    network.partition();
    let error = till.charge(2, "second").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::Unavailable, Started::Unknown)
    );
    let waiting = tokio::spawn({
        let till = till.with(Call::new().deadline(SECOND * 600));
        async move { till.charge(3, "third").await }
    });
    tokio::time::sleep(SECOND * 60).await;
    network.heal();
    assert_eq!(waiting.await.unwrap().unwrap(), "drawer:3:third:1");
    assert_eq!((drawer.ran(2), network.connections()), (0, 2));
}

/// Tells how much time is left.
#[mesh_service]
pub(crate) trait Clock {
    async fn left_after(&self, seconds: u64) -> Result<u64, Error>;
}

struct Wall;

impl Clock for Wall {
    async fn left_after(&self, seconds: u64) -> Result<u64, Error> {
        tokio::time::sleep(SECOND * u32::try_from(seconds).unwrap()).await;
        Ok(Context::current().time_left().unwrap().as_secs())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_sees_its_time_run_out_on_the_paused_clock() {
    let clock: ClockClient = pair(Wall);
    assert_eq!(clock.left_after(20).await.unwrap(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_on_the_paused_clock() {
    let network = Network::new();
    let server = Server::builder()
        .service(TillHandler::new(Drawer::named("drawer")))
        .build();
    let serving = network.mesh().serve("till", server).await.unwrap();
    let till = TillClient::connect(network.mesh(), "till").with(Call::new().no_deadline());
    let held = tokio::spawn(async move { till.hold(1).await });
    rest().await;
    let start = Instant::now();
    let drained = serving.drain(SECOND * 40).await.unwrap();
    assert_eq!(drained.cut, 1);
    assert_eq!(start.elapsed().as_secs(), 40);
    held.await.unwrap().unwrap_err();
}

/// What a run of calls under faults looked like from outside.
async fn story(number: u64) -> Vec<String> {
    seed(number);
    let network = Network::new();
    network.refuse_next(4);
    network.inject(Fault::to_client().kill_at(700));
    let drawers = ["left", "right"].map(Drawer::named);
    let till: TillClient = network.pair_of(drawers);
    let start = Instant::now();
    Client::wait_ready_all(&till).await.unwrap();
    let mut lines = Vec::new();
    for call in 0..30 {
        let result = till.look(call, "shelf").await;
        let result = result.map_err(|error| error.to_string());
        lines.push(format!("{:?} {result:?}", start.elapsed()));
    }
    lines
}

#[tokio::test(start_paused = true)]
async fn a_seed_repeats_a_run_to_the_millisecond() {
    let first = story(7).await;
    for _ in 0..5 {
        assert_eq!(story(7).await, first);
    }
    let mut others = Vec::new();
    for number in 8..12 {
        others.push(story(number).await);
    }
    assert!(
        others.iter().any(|other| *other != first),
        "chance plays no part"
    );
}
