//! Paying, when the till is somewhere else.

use meshrpc::testing::{Fault, Network, pair, seed};
use till::{Drawer, Payment, TillClient, pay};

#[tokio::test]
async fn an_order_is_paid() {
    let till: TillClient = pair(Drawer::default());
    assert_eq!(pay(&till, 1, 250).await, Payment::Done);
}

#[tokio::test]
async fn what_the_till_refuses_is_told() {
    let till: TillClient = pair(Drawer::default());
    let payment = pay(&till, 1, 0).await;
    assert_eq!(payment, Payment::Failed("order 1 costs nothing".into()));
}

#[tokio::test(start_paused = true)]
async fn a_till_that_cannot_be_reached_has_taken_nothing() {
    let (network, drawer) = (Network::new(), Drawer::default());
    network.refuse_next(u64::MAX);
    let till: TillClient = network.pair(drawer.clone());
    assert!(matches!(pay(&till, 1, 250).await, Payment::Failed(_)));
    assert_eq!(drawer.charges(1), 0);
}

#[tokio::test(start_paused = true)]
async fn wherever_the_connection_ends_nobody_pays_twice_or_unknowingly() {
    seed(1);
    for byte in 0.. {
        let (network, drawer) = (Network::new(), Drawer::default());
        network.inject(Fault::to_client().kill_at(byte).connection(1));
        let till: TillClient = network.pair(drawer.clone());
        let payment = pay(&till, 1, 250).await;
        match (&payment, drawer.charges(1)) {
            (Payment::Done, 1) | (Payment::Failed(_), 0) | (Payment::Unclear, 0 | 1) => {}
            (_, charges) => panic!("byte {byte}: {payment:?}, charged {charges} times"),
        }
        if network.struck() == 0 {
            break;
        }
    }
}
