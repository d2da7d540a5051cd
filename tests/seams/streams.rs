//! Streams that are cut or damaged on the way: what arrives is a beginning, and only a whole stream
//! ends well.

use futures_util::{Stream, StreamExt as _, stream};
use meshrpc::{
    Error, mesh_service,
    testing::{Direction, Fault, Network, seed},
};

const ITEMS: u64 = 30;

/// Counts.
#[mesh_service]
pub(crate) trait Count {
    fn up_from(&self, first: u64) -> impl Stream<Item = Result<u64, Error>> + Send;
}

struct Counter;

impl Count for Counter {
    fn up_from(&self, first: u64) -> impl Stream<Item = Result<u64, Error>> + Send {
        stream::iter((first..first + ITEMS).map(Ok))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_cut_never_ends_well() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        at_every_byte(direction, Fault::kill_at).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_damaged_never_ends_well() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        at_every_byte(direction, |fault, byte| fault.flip_bit(byte, 3)).await;
    }
}

async fn at_every_byte(direction: Direction, fault: impl Fn(Fault, u64) -> Fault) {
    seed(1);
    let [mut whole, mut broken] = [0; 2];
    for byte in 0..10_000 {
        let network = Network::new();
        network.inject(fault(Fault::on(direction), byte).connection(1));
        let count: CountClient = network.pair(Counter);
        let items: Vec<_> = count.up_from(7).collect().await;
        let good = items.iter().take_while(|item| item.is_ok()).count();
        for (item, expected) in items[..good].iter().zip(7..) {
            assert!(
                matches!(item, Ok(item) if *item == expected),
                "byte {byte}: {items:?}"
            );
        }
        if good == items.len() {
            assert_eq!(items.len() as u64, ITEMS, "byte {byte}: {items:?}");
            whole += 1;
        } else {
            assert_eq!(good + 1, items.len(), "byte {byte}: {items:?}");
            broken += 1;
        }
        if network.struck() == 0 {
            assert!(
                whole > 1 && (broken > 0 || direction == Direction::ToServer),
                "{whole} {broken}"
            );
            return;
        }
    }
    panic!("the connection has no last byte");
}
