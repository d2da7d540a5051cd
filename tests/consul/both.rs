//! A test with each release and each kind of proxy that this machine has.

use std::future::Future;

use meshrpc_tests::real::{Consul, Kind, Release, consul, envoy};
use tokio::runtime::Runtime;

/// Runs `test` with both releases at a time.
pub(crate) fn releases<F>(test: impl Fn(Consul) -> F)
where
    F: Future<Output = ()>,
{
    let found = [Release::V1_8, Release::V1_22].map(consul);
    together(found.into_iter().flatten().map(test));
}

/// Runs `test` with both releases and each kind of proxy that they can drive, at a time.
pub(crate) fn proxies<F>(test: impl Fn(Consul, Kind) -> F)
where
    F: Future<Output = ()>,
{
    let (old, new) = (consul(Release::V1_8), consul(Release::V1_22));
    let built_in = [old, new].into_iter().flatten();
    let built_in = built_in.map(|consul| (consul, Kind::BuiltIn));
    let envoy = new
        .zip(envoy())
        .map(|(consul, envoy)| (consul, Kind::Envoy(envoy)));
    let tests = built_in.chain(envoy);
    together(tests.map(|(consul, kind)| test(consul, kind)));
}

/// Runs all to their ends. They mostly wait, so that together they take as long as one.
fn together<F: Future<Output = ()>>(tests: impl Iterator<Item = F>) {
    let runtime = Runtime::new().expect("a runtime can be started");
    runtime.block_on(async {
        futures_util::future::join_all(tests).await;
    });
}
