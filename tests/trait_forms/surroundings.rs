//! Where a trait stands, and what else it is.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use meshrpc::{
    Server, mesh_service,
    testing::{Network, pair},
};

/// Below our attribute.
#[mesh_service]
#[async_trait]
pub trait Boxed {
    /// Greets.
    async fn greet(&self, name: &str) -> anyhow::Result<String>;
    /// With a body.
    async fn twice(&self, name: &str) -> anyhow::Result<String> {
        self.greet(&format!("{name} {name}")).await
    }
}

/// By its full path.
#[mesh_service]
#[async_trait::async_trait]
trait Private {
    async fn greet(&self, name: Secret) -> anyhow::Result<String>;
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Secret(String);

/// What services often are besides.
#[mesh_service]
pub trait Bounded: Clone + Debug + Send + Sync + 'static {
    /// Greets.
    async fn greet(&self) -> anyhow::Result<String>;
}

/// Going away: what is generated from it does not warn of that.
#[mesh_service]
#[deprecated]
pub trait Leaving {
    /// Greets.
    async fn greet(&self) -> anyhow::Result<String>;
}

/// Methods of the names that a client has by itself, and names of the prelude.
#[mesh_service]
pub trait Clashing {
    /// Not the client's.
    async fn with(&self, call: u8) -> Result<u8, String>;
    /// Not the client's.
    async fn wait_ready(&self) -> Result<u8, String>;
    /// Not the client's.
    async fn connect(&self) -> Result<u8, String>;
}

#[derive(Clone, Debug)]
struct Service;

#[async_trait]
impl Boxed for Service {
    async fn greet(&self, name: &str) -> anyhow::Result<String> {
        Ok(format!("Hello, {name}"))
    }
}

#[async_trait]
impl Private for Service {
    async fn greet(&self, name: Secret) -> anyhow::Result<String> {
        Ok(name.0)
    }
}

impl Bounded for Service {
    async fn greet(&self) -> anyhow::Result<String> {
        Ok("bounded".into())
    }
}

#[allow(deprecated)]
impl Leaving for Service {
    async fn greet(&self) -> anyhow::Result<String> {
        Ok("still here".to_owned())
    }
}

impl Clashing for Service {
    async fn with(&self, call: u8) -> Result<u8, String> {
        Ok(call)
    }
    async fn wait_ready(&self) -> Result<u8, String> {
        Ok(2)
    }
    async fn connect(&self) -> Result<u8, String> {
        Ok(3)
    }
}

#[tokio::test]
async fn an_async_trait_is_served_also_behind_dyn() {
    let service: Arc<dyn Boxed> = Arc::new(Service);
    let server = Server::builder()
        .service(BoxedHandler::shared(service))
        .build();
    let client: BoxedClient = Network::new().pair_with(server);
    let client: Arc<dyn Boxed> = Arc::new(client);
    assert_eq!(client.greet("Max").await.expect("it answers"), "Hello, Max");
    assert_eq!(
        client.twice("Max").await.expect("it answers"),
        "Hello, Max Max"
    );
}

#[tokio::test]
async fn a_private_trait_of_private_types_is_served() {
    let client: PrivateClient = pair(Service);
    assert_eq!(
        client.greet(Secret("s".into())).await.expect("it answers"),
        "s"
    );
}

#[tokio::test]
async fn usual_supertraits_are_satisfied() {
    let client: BoundedClient = pair(Service);
    assert_eq!(client.clone().greet().await.expect("it answers"), "bounded");
}

#[tokio::test]
async fn a_deprecated_trait_warns_only_where_it_is_named() {
    let client: LeavingClient = pair(Service);
    #[allow(deprecated)]
    let answer = client.greet().await;
    assert_eq!(answer.expect("it answers"), "still here");
}

#[tokio::test]
async fn no_method_of_the_client_hides_one_of_the_trait() {
    let client: ClashingClient = pair(Service);
    assert_eq!(client.with(1).await, Ok(1));
    assert_eq!(client.wait_ready().await, Ok(2));
    assert_eq!(client.connect().await, Ok(3));
}

#[tokio::test]
async fn a_trait_inside_a_function_is_served() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Local(u8);

    #[mesh_service]
    trait Inner {
        async fn local(&self, value: Local) -> Result<Local, String>;
    }
    impl Inner for Service {
        async fn local(&self, value: Local) -> Result<Local, String> {
            Ok(Local(value.0 + 1))
        }
    }
    let client: InnerClient = pair(Service);
    assert_eq!(client.local(Local(1)).await, Ok(Local(2)));
}

impl shadowed::Shadowed for Service {
    async fn call(&self, request: shadowed::Request) -> shadowed::Result<u8> {
        Ok(request.0)
    }
}

/// Names that shadow the prelude and the crates that generated code uses.
mod shadowed {
    use meshrpc::mesh_service;

    pub(super) type Result<T> = anyhow::Result<T>;

    /// Looks like a type of ours.
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Request(pub u8);

    #[mesh_service]
    pub(super) trait Shadowed {
        async fn call(&self, request: Request) -> Result<u8>;
    }

    #[allow(dead_code, non_snake_case)]
    fn Ok<T>(value: T) -> T {
        value
    }
    #[allow(dead_code)]
    mod std {}
    #[allow(dead_code)]
    mod core {}
}

#[tokio::test]
async fn names_of_the_prelude_may_mean_something_else() {
    use shadowed::{Request, Shadowed as _, ShadowedClient, ShadowedHandler};
    let server = Server::builder()
        .service(ShadowedHandler::new(Service))
        .build();
    let client: ShadowedClient = Network::new().pair_with(server);
    assert_eq!(client.call(Request(6)).await.expect("it answers"), 6);
}
