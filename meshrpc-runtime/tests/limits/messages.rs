//! Messages and items that are larger than their reader takes.

use meshrpc::{ClientLimits, Kind, Limit, Limits, Started};

use crate::{
    desk::{Desk as _, Office, failure, first, once, timely},
    table::says,
};

const TOO_LARGE: Kind = Kind::Refused {
    limit: Limit::MessageSize,
};

fn server(max_message: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_message = max_message;
    limits
}

fn client(max_message: u64) -> ClientLimits {
    let mut limits = ClientLimits::default();
    limits.max_message = max_message;
    limits
}

#[tokio::test]
async fn an_oversized_argument_fails_that_call_alone_before_it_is_sent() {
    let office = Office::new(server(1_000)).await;
    let desk = office.client();
    let neighbour = tokio::spawn({
        let desk = desk.clone();
        async move { desk.hold(vec![1; 10]).await }
    });
    office.clerk.begun(1).await;

    let error = failure(desk.measure(vec![1; 1_000]).await);
    assert_eq!((error.kind(), error.started()), (TOO_LARGE, Started::No));
    says("largest request", &error.to_string());
    assert!(error.to_string().contains(" 1000 "), "theirs: {error}");
    assert_eq!(desk.measure(vec![1; 900]).await.expect("it fits"), 900);

    office.clerk.release(1);
    let held = timely("the neighbour", neighbour).await;
    assert_eq!(held.expect("no panic").expect("it is untouched"), 10);
    assert_eq!(office.counters().connections(), 1, "the connection lives");
    assert_eq!(office.counters().calls(), 2, "the large one never came");
}

#[tokio::test]
async fn an_oversized_reply_fails_that_call_alone_before_it_is_sent() {
    let office = Office::new(Limits::default()).await;
    let (_mesh, desk) = office.stranger(client(1_000)).await;
    let neighbour = tokio::spawn({
        let desk = desk.clone();
        async move { desk.hold(vec![1; 10]).await }
    });
    office.clerk.begun(1).await;

    let error = failure(desk.fill(1_000).await);
    assert_eq!((error.kind(), error.started()), (TOO_LARGE, Started::Yes));
    says("largest reply", &error.to_string());
    assert_eq!(desk.fill(900).await.expect("it fits").len(), 900);

    office.clerk.release(1);
    let held = timely("the neighbour", neighbour).await;
    assert_eq!(held.expect("no panic").expect("it is untouched"), 10);
    assert_eq!(office.counters().connections(), 1, "the connection lives");
    assert_eq!(office.counters().wire().oversized_messages, 1);
}

#[tokio::test]
async fn an_oversized_item_ends_its_stream_alone_whichever_side_sends_it() {
    let office = Office::new(server(1_000)).await;
    let (_mesh, desk) = office.stranger(client(1_000)).await;
    let error = failure(desk.sum(once(vec![1; 1_000])).await);
    assert_eq!(
        (error.kind(), error.started()),
        (TOO_LARGE, Started::Unknown)
    );
    says("largest item that is sent", &error.to_string());
    assert_eq!(desk.sum(once(vec![1; 900])).await.expect("it fits"), 900);

    let items = desk.list(1_000).await.expect("it begins");
    let error = failure(first(items).await.expect("it says why it ends"));
    let said = (error.kind(), error.started());
    assert_eq!(said, (TOO_LARGE, Started::Yes), "{error}");
    says("largest item that is answered", &error.to_string());
    let items = desk.list(900).await.expect("it begins");
    let item = first(items).await.expect("there is one");
    assert_eq!(item.expect("it fits").len(), 900);
    assert_eq!(office.counters().connections(), 1, "the connection lives");
}

#[tokio::test]
async fn raised_on_both_sides_a_larger_message_passes() {
    const LARGE: usize = (128 << 20) + 1_000;
    let office = Office::new(Limits::default()).await;
    let (_mesh, desk) = office.stranger(ClientLimits::default()).await;
    assert_eq!(
        failure(desk.measure(vec![1; LARGE]).await).kind(),
        TOO_LARGE
    );
    drop(office);

    let office = Office::new(server(256 << 20)).await;
    let (_mesh, desk) = office.stranger(client(256 << 20)).await;
    let sent = desk.measure(vec![1; LARGE]).await.expect("it fits");
    assert_eq!(sent, LARGE as u64);
    let filled = desk.fill(LARGE as u64).await.expect("it fits");
    assert_eq!(filled.len(), LARGE);
}
