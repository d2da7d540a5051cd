//! Calls that no instance takes, on a paused clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch};

use super::{Call, Channel, Connect, Pool, Setting};
use crate::{
    codec::{ArgsWriter, EncodeError},
    connection::{self, Connection},
    context::Context,
    contract::{MethodSpec, ServiceSpec},
    discovery::{Address, BoxFuture, Endpoint, Endpoints, Instance, Resolver, Via},
    error::{Code, Error, Kind, Limit, Started},
    wire::Config,
};

static GREETER: ServiceSpec = ServiceSpec {
    name: "Greeter",
    methods: &METHODS,
};
static METHODS: [MethodSpec; 1] = [MethodSpec::unary("greet", 1, &[], |schema| {
    schema.reply::<()>()
})];

/// A registry that lists what the test says.
#[derive(Debug)]
struct Registry(watch::Sender<Arc<Endpoints>>);

/// A network where nobody answers.
#[derive(Debug, Default)]
struct Nobody {
    dials: AtomicUsize,
}

impl Resolver for Registry {
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        if deployment.is_empty() {
            return Err(Error::new(Kind::Protocol, "a deployment needs a name"));
        }
        Ok(self.0.subscribe())
    }
}

impl Connect for Nobody {
    fn connect<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        _: Arc<Config>,
    ) -> BoxFuture<'a, Result<Connection, Error>> {
        self.dials.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            Err(Error::new(
                Kind::Unavailable,
                format!("{}: connection refused", endpoint.dial),
            ))
        })
    }
}

struct Fixture {
    registry: Arc<Registry>,
    network: Arc<Nobody>,
    setting: Setting,
    mesh: watch::Sender<()>,
}

impl Fixture {
    fn new() -> Self {
        let registry = Arc::new(Registry(watch::channel(Arc::default()).0));
        let network = Arc::new(Nobody::default());
        let (mesh, mesh_gone) = watch::channel(());
        let setting = Setting {
            resolver: Arc::clone(&registry) as Arc<dyn Resolver>,
            connect: Arc::clone(&network) as Arc<dyn Connect>,
            runtime: Handle::current(),
            limits: Arc::default(),
            keys: None,
            balancing: Arc::default(),
            default_deadline: Some(Duration::from_secs(30)),
            mesh_gone,
        };
        Self {
            registry,
            network,
            setting,
            mesh,
        }
    }

    fn channel(&self, deployment: &str) -> Channel {
        Channel::new(
            Arc::new(Pool::new(deployment, &self.setting)),
            None,
            &GREETER,
        )
    }

    fn list(&self, instances: usize, via: &Via) {
        let endpoint = |n: usize| Endpoint {
            dial: Address::InProcess(n as u64),
            instance: Some(Instance {
                name: format!("greeter-{n}").into(),
                epoch: 1,
            }),
            via: via.clone(),
            weight: 1,
            zone: None,
        };
        let ready = (1..=instances).map(endpoint).collect();
        self.registry
            .0
            .send_replace(Arc::new(Endpoints::live(ready)));
    }
}

fn no_arguments(_: &mut ArgsWriter<'_>) -> Result<(), EncodeError> {
    Ok(())
}

/// The error of a call, and how long it took.
async fn failure(channel: &Channel) -> (Error, Duration) {
    let start = connection::now();
    let error = channel
        .call(&METHODS[0])
        .unary(no_arguments)
        .await
        .unwrap_err();
    assert_eq!(
        (error.started(), error.attempts()),
        (Started::No, 0),
        "{error}"
    );
    (error, connection::now() - start)
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_not_there_is_told_after_a_moment_and_then_at_once() {
    let fixture = Fixture::new();
    fixture.list(0, &Via::Direct);
    let channel = fixture.channel("greeter");
    let (error, time) = failure(&channel).await;
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(error.to_string(), "no instance of `greeter` is registered");
    assert!(time <= Duration::from_millis(1001), "{time:?}");
    let (_, time) = failure(&channel).await;
    assert_eq!(time, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_a_registry_says_of_itself_is_what_calls_say() {
    let fixture = Fixture::new();
    let told = |error: Error| {
        let trouble = Some(Arc::new(error));
        let list = Endpoints::last_known(Vec::new(), trouble);
        fixture.registry.0.send_replace(Arc::new(list));
    };
    told(Error::new(Kind::Unavailable, "it restarts").with_code(Code::Aborted));
    let channel = fixture.channel("greeter");
    let (error, time) = failure(&channel).await;
    let expected = "no instance of `greeter` is known: it restarts";
    assert_eq!(error.to_string(), expected);
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Unavailable, Code::Aborted)
    );
    assert!(time > Duration::from_secs(1), "it may come back: {time:?}");
    let mut snapshots = channel.pool.snapshots.clone();
    snapshots.mark_unchanged();
    told(Error::new(Kind::Denied, "no token"));
    snapshots.changed().await.unwrap();
    let (error, time) = failure(&channel).await;
    assert_eq!(error.kind(), Kind::Denied, "{error}");
    assert_eq!(time, Duration::ZERO, "nobody waits for a permission");
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_answer_is_named() {
    let fixture = Fixture::new();
    let (error, _) = failure(&fixture.channel("greeter")).await;
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(
        error.to_string().contains("the registry has not answered"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_listed_is_waited_for_until_the_deadline() {
    let fixture = Fixture::new();
    fixture.list(2, &Via::Direct);
    let second = Duration::from_secs(1);
    let channel = fixture
        .channel("greeter")
        .with(Call::new().deadline(second));
    let (error, time) = failure(&channel).await;
    assert_eq!(error.kind(), Kind::DeadlineExceeded);
    assert!(
        error
            .to_string()
            .contains("greeter-2: in-process:2: connection refused"),
        "{error}"
    );
    assert!(time >= second && time <= second * 2, "{time:?}");
    let session = channel.with(Call::new().deadline(second).session(7));
    assert_eq!(failure(&session).await.0.kind(), Kind::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn dials_back_off() {
    let fixture = Fixture::new();
    fixture.list(1, &Via::Direct);
    let channel = fixture
        .channel("greeter")
        .with(Call::new().deadline(Duration::from_secs(120)));
    failure(&channel).await;
    // Waits are 5 s on average once they are longest; eight come before.
    let dials = fixture.network.dials.load(Ordering::Relaxed);
    assert!((10..=80).contains(&dials), "{dials} dials in two minutes");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_a_handler_ends_with_the_handler() {
    let fixture = Fixture::new();
    fixture.list(1, &Via::Direct);
    let channel = fixture.channel("greeter");
    let context = Context::default().with_deadline(connection::now() + Duration::from_millis(20));
    let (error, time) = context.clone().scope(failure(&channel)).await;
    assert_eq!(error.kind(), Kind::DeadlineExceeded);
    assert!(time < Duration::from_secs(1), "{time:?}");
    // And is not even begun when the handler's time is over.
    let (error, time) = context.scope(failure(&channel)).await;
    assert_eq!(
        (error.kind(), time),
        (Kind::DeadlineExceeded, Duration::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_fails_when_the_mesh_goes() {
    let fixture = Fixture::new();
    fixture.list(1, &Via::Direct);
    let channel = fixture.channel("greeter");
    let call = tokio::spawn(async move { failure(&channel).await.0 });
    tokio::task::yield_now().await;
    drop(fixture.mesh);
    let error = call.await.unwrap();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(
        error.to_string().contains("the mesh was dropped"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_cannot_be_a_deployment_fails_its_calls() {
    let fixture = Fixture::new();
    let channel = fixture.channel("");
    let (error, _) = failure(&channel).await;
    assert!(
        error.to_string().contains("a deployment needs a name"),
        "{error}"
    );
    let error = channel.wait_ready().await.unwrap_err();
    assert!(
        error.to_string().contains("a deployment needs a name"),
        "{error}"
    );
}

/// A registry that says `why` dials through its proxy fail, if it answers.
#[derive(Debug)]
struct Sage {
    list: watch::Sender<Arc<Endpoints>>,
    why: Option<fn() -> Option<Error>>,
    asked: AtomicUsize,
}

impl Resolver for Sage {
    fn watch(&self, _: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        Ok(self.list.subscribe())
    }

    fn explain(&self, endpoint: &Endpoint, deployment: &str) -> BoxFuture<'_, Option<Error>> {
        assert_eq!(
            (endpoint.dial.to_string().as_str(), deployment),
            ("in-process:1", "greeter")
        );
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            match self.why {
                Some(why) => why(),
                None => std::future::pending().await,
            }
        })
    }
}

/// The error of a call with ten seconds through a proxy that fails all dials, how long it took, and
/// how often the registry was asked.
async fn explained(via: Via, why: Option<fn() -> Option<Error>>) -> (Error, Duration, usize) {
    let mut fixture = Fixture::new();
    fixture.list(1, &via);
    let sage = Arc::new(Sage {
        list: fixture.registry.0.clone(),
        why,
        asked: AtomicUsize::new(0),
    });
    fixture.setting.resolver = Arc::clone(&sage) as Arc<dyn Resolver>;
    let ten = Call::new().deadline(Duration::from_secs(10));
    let (error, time) = failure(&fixture.channel("greeter").with(ten)).await;
    let dials = fixture.network.dials.load(Ordering::Relaxed);
    let asked = sage.asked.load(Ordering::Relaxed);
    assert!(asked <= dials, "{asked} questions, {dials} dials");
    if time >= Duration::from_secs(10) {
        assert!(dials >= 10, "{dials} dials in {time:?}");
    }
    (error, time, asked)
}

fn opaque() -> Via {
    let instance = Instance {
        name: "greeter-1".into(),
        epoch: 1,
    };
    Via::Opaque {
        expected: vec![instance],
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_not_be_made_fails_at_once() {
    let sidecar = Via::Sidecar {
        service: "greeter".into(),
    };
    for via in [opaque(), sidecar] {
        let why: fn() -> _ = || Some(Error::new(Kind::Denied, "an intention denies it"));
        let (error, time, asked) = explained(via, Some(why)).await;
        assert_eq!(
            (error.kind(), error.code()),
            (Kind::Denied, Code::PermissionDenied),
            "{error}"
        );
        assert!(error.to_string().contains("an intention denies it"));
        assert!(time < Duration::from_secs(1), "{time:?}");
        assert_eq!(asked, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_finds_nobody_has_the_kind_that_the_registry_gives() {
    let why: fn() -> _ = || Some(Error::new(Kind::Unavailable, "its application is down"));
    let (error, time, asked) = explained(opaque(), Some(why)).await;
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert!(
        error
            .to_string()
            .contains("greeter-1: its application is down")
    );
    assert!(time >= Duration::from_secs(10) && asked > 1);
    // It sees no fault: what the dial says remains.
    let (error, _, _) = explained(opaque(), Some(|| None)).await;
    assert_eq!(error.kind(), Kind::DeadlineExceeded);
    assert!(error.to_string().contains("connection refused"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_answer_why_holds_up_no_dial() {
    let (error, _, asked) = explained(opaque(), None).await;
    assert_eq!((error.kind(), asked), (Kind::DeadlineExceeded, 1));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_readiness_has_an_end_and_says_what_is_missing() {
    let fixture = Fixture::new();
    fixture.list(0, &Via::Direct);
    let channel = fixture
        .channel("greeter")
        .with(Call::new().deadline(Duration::from_secs(60)));
    let start = connection::now();
    let error = channel.wait_ready().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not ready: no instance of `greeter` is registered"
    );
    assert!(
        connection::now() - start >= Duration::from_secs(60),
        "an empty list is waited out"
    );
    fixture.list(2, &Via::Direct);
    let error = channel.wait_ready_all().await.unwrap_err();
    assert!(error.to_string().contains("0 of 2 instances"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_session_key_that_is_too_long_fails_the_call() {
    let fixture = Fixture::new();
    let channel = fixture
        .channel("greeter")
        .with(Call::new().session("k".repeat(257)));
    let limit = Limit::SessionKey;
    let (error, _) = failure(&channel).await;
    assert_eq!(error.kind(), Kind::Refused { limit });
    assert_eq!(
        error.to_string(),
        "a session key of 257 bytes, where the protocol takes 256"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pool_ends_with_its_last_channel() {
    let fixture = Fixture::new();
    let channel = fixture.channel("greeter");
    tokio::task::yield_now().await;
    assert_eq!(fixture.registry.0.receiver_count(), 1);
    drop(channel);
    fixture.registry.0.closed().await;
}
