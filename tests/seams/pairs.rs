//! How long a pair lives, and what else lives on its network.

use std::sync::Arc;

use meshrpc::{
    Error, Server, Started, mesh_service,
    testing::{Fault, Network, pair},
};

use crate::{Drawer, Till, TillClient, TillHandler, rest};

#[tokio::test]
async fn a_pair_works_on_the_real_clock() {
    let till: TillClient = pair(Drawer::named("drawer"));
    assert_eq!(till.charge(1, "a").await.unwrap(), "drawer:1:a:1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_works_on_several_threads() {
    let network = Network::new();
    network.inject(Fault::to_server().pieces(7));
    let till: TillClient = network.pair(Drawer::named("drawer"));
    let calls: Vec<_> = (0..50)
        .map(|call| {
            let till = till.clone();
            tokio::spawn(async move { till.charge(call, "note").await })
        })
        .collect();
    for (call, answer) in calls.into_iter().enumerate() {
        let answer = answer.await.unwrap().unwrap();
        assert_eq!(answer, format!("drawer:{call}:note:1"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pair_lives_as_long_as_its_clients() {
    let drawer = Drawer::named("drawer");
    let alive = Arc::downgrade(&drawer.ran);
    let till: TillClient = pair(drawer);
    let clone = till.clone();
    drop(till);
    rest().await;
    assert_eq!(clone.charge(1, "a").await.unwrap(), "drawer:1:a:1");
    drop(clone);
    rest().await;
    assert!(
        alive.upgrade().is_none(),
        "the implementation is still there"
    );
}

#[tokio::test(start_paused = true)]
async fn pairs_of_one_contract_on_one_network_are_apart() {
    let network = Network::new();
    let one: TillClient = network.pair(Drawer::named("one"));
    let two: TillClient = network.pair(Drawer::named("two"));
    network.isolate("Till.2-0");
    for call in 0..4 {
        assert_eq!(
            one.charge(call, "a").await.unwrap(),
            format!("one:{call}:a:1")
        );
    }
    network.heal();
    for call in 0..4 {
        assert_eq!(
            two.charge(call, "a").await.unwrap(),
            format!("two:{call}:a:1")
        );
    }
}

/// Calls a till.
#[mesh_service]
pub(crate) trait Shop {
    async fn buy(&self, call: u64) -> Result<String, Error>;
}

struct Counter<T>(T);

impl<T: Till> Shop for Counter<T> {
    async fn buy(&self, call: u64) -> Result<String, Error> {
        self.0.charge(call, "bought").await
    }
}

#[tokio::test(start_paused = true)]
async fn an_implementation_calls_another_over_the_same_network() {
    let network = Network::new();
    let till: TillClient = network.pair(Drawer::named("drawer"));
    let shop: ShopClient = network.pair(Counter(till));
    assert_eq!(shop.buy(1).await.unwrap(), "drawer:1:bought:1");
    // The inner reply is lost: the shop passes that on.
    network.inject_open(Fault::to_client().kill_at(0).instance("Till-0"));
    let error = shop.buy(2).await.unwrap_err();
    assert!(error.relayed(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_a_pair_does_not_do_is_done_on_the_mesh() {
    let network = Network::new();
    let serve = |drawer: Drawer| {
        let server = Server::builder().service(TillHandler::new(drawer)).build();
        network.mesh().serve("till", server)
    };
    let first = serve(Drawer::named("first")).await.unwrap();
    let till = TillClient::connect(network.mesh(), "till");
    assert_eq!(till.charge(1, "a").await.unwrap(), "first:1:a:1");
    network.inject_open(
        Fault::to_client()
            .kill_at(0)
            .instance(&*first.instance().name),
    );
    till.charge(2, "a").await.unwrap_err();
    // An instance goes, its successor comes.
    drop(first);
    let _second = serve(Drawer::named("second")).await.unwrap();
    assert_eq!(till.charge(3, "a").await.unwrap(), "second:3:a:1");
}

/// Weighs, on a thread.
#[mesh_service]
pub(crate) trait Scale {
    fn weigh(&self, grams: u64) -> Result<u64, Error>;
    async fn zero(&self) -> Result<u64, Error>;
}

struct Kitchen;

impl Scale for Kitchen {
    fn weigh(&self, grams: u64) -> Result<u64, Error> {
        Ok(grams)
    }

    async fn zero(&self) -> Result<u64, Error> {
        Ok(0)
    }
}

/// Weighs, loses a reply, weighs again.
fn weigh(network: &Network, scale: &impl Scale) {
    assert_eq!(scale.weigh(3).unwrap(), 3);
    network.inject_open(Fault::to_client().kill_at(0));
    let error = scale.weigh(4).unwrap_err();
    assert_eq!(error.started(), Started::Unknown, "{error}");
    assert_eq!(scale.weigh(5).unwrap(), 5);
    assert_eq!(network.struck(), 1);
}

#[test]
fn a_pair_needs_no_runtime() {
    let network = Network::new();
    let scale: ScaleClient = network.pair(Kitchen);
    weigh(&network, &scale);
    assert_eq!(meshrpc::block_on(scale.zero()).unwrap(), 0);
}

#[tokio::test]
async fn methods_that_wait_on_the_only_thread_of_a_runtime_are_answered() {
    let network = Network::new();
    let scale: ScaleClient = network.pair(Kitchen);
    weigh(&network, &scale);
    assert_eq!(scale.zero().await.unwrap(), 0);
}
