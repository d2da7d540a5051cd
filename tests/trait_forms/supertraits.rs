//! What a trait asks of its implementations, and what the client does about it.

use std::{fmt, fmt::Display, sync::Arc};

use meshrpc::{Client, Mesh, Server, mesh_service};
use meshrpc_tests::pair;

/// A contract of its own.
#[mesh_service]
pub trait Health {
    /// Alive or not.
    async fn alive(&self, depth: u8) -> Result<bool, String>;
}

/// Asks for another contract, and for something of the standard library.
#[mesh_service(supertraits = manual)]
pub trait Admin: Health + Display
where
    Self: Send + 'static,
{
    /// Restarts.
    async fn restart(&self, name: &str) -> Result<usize, String>;
    /// Uses what it asks for, at the service.
    async fn report(&self) -> Result<String, String> {
        Ok(format!("{self} {}", self.alive(3).await?))
    }
}

impl Health for AdminClient {
    async fn alive(&self, depth: u8) -> Result<bool, String> {
        Client::sibling::<HealthClient>(self).alive(depth).await
    }
}

impl Display for AdminClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("client")
    }
}

struct Machine;

impl Health for Machine {
    async fn alive(&self, depth: u8) -> Result<bool, String> {
        if depth > 9 {
            return Err("too deep".into());
        }
        Ok(depth == 3)
    }
}

impl Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("machine")
    }
}

impl Admin for Machine {
    async fn restart(&self, name: &str) -> Result<usize, String> {
        Ok(name.len())
    }
}

async fn checked(admin: &impl Admin) -> Result<bool, String> {
    admin.restart("abc").await?;
    admin.alive(3).await
}

#[tokio::test]
async fn a_supertrait_that_is_a_contract_is_called_by_the_client_of_its_own() {
    let mesh = Mesh::in_process();
    let machine = Arc::new(Machine);
    let server = Server::builder()
        .service(AdminHandler::shared(Arc::clone(&machine)))
        .service(HealthHandler::shared(machine))
        .build();
    let serving = mesh.serve("machine", server).await.expect("it is served");
    let client = AdminClient::connect(&mesh, "machine");
    assert_eq!(checked(&client).await, Ok(true));
    assert_eq!(client.alive(4).await, Ok(false));
    assert_eq!(client.alive(10).await, Err("too deep".to_owned()));
    assert_eq!(client.report().await, Ok("machine true".to_owned()));
    assert_eq!(client.to_string(), "client");
    drop(serving);
}

/// What asks for types of its supertrait.
pub trait HasError {
    /// How it fails.
    type Error: fmt::Debug + Send;
}

/// Names the type of a supertrait.
#[mesh_service(supertraits = manual, types(Error = String))]
pub trait Failing: HasError {
    /// By the short path.
    async fn short(&self, n: u8) -> Result<u8, Self::Error>;
    /// By the long one.
    async fn long(&self) -> Result<u8, <Self as HasError>::Error>;
}

impl HasError for FailingClient {
    type Error = String;
}

impl HasError for Machine {
    type Error = String;
}

impl Failing for Machine {
    async fn short(&self, n: u8) -> Result<u8, String> {
        Ok(n + 1)
    }
    async fn long(&self) -> Result<u8, String> {
        Err("long".into())
    }
}

#[tokio::test]
async fn a_type_of_a_supertrait_is_named_like_one_of_the_traits_own() {
    let client = FailingClient::from_channel(pair(FailingHandler::new(Machine)).await);
    assert_eq!(client.short(2).await, Ok(3));
    assert_eq!(client.long().await, Err("long".to_owned()));
}

/// What methods ask of the service.
#[mesh_service]
pub trait Asking {
    /// Of known size.
    async fn sized(&self) -> Result<u8, String>
    where
        Self: Sized;
    /// To be cloned.
    async fn cloned(&self) -> Result<u8, String>
    where
        Self: Clone + fmt::Debug + 'static;
    /// Of known size, with a body: not asked.
    async fn local(&self) -> Result<u8, String>
    where
        Self: Sized,
    {
        Ok(self.sized().await? + 40)
    }
}

#[derive(Clone, Debug)]
struct Plain;

impl Asking for Plain {
    async fn sized(&self) -> Result<u8, String> {
        Ok(1)
    }
    async fn cloned(&self) -> Result<u8, String> {
        let _clone = self.clone();
        Ok(2)
    }
}

#[tokio::test]
async fn what_methods_ask_of_the_service_is_asked_by_the_handler() {
    let client = AskingClient::from_channel(pair(AskingHandler::new(Plain)).await);
    assert_eq!(client.sized().await, Ok(1));
    assert_eq!(client.cloned().await, Ok(2));
    assert_eq!(client.local().await, Ok(41));
    let names: Vec<_> = ASKING.methods.iter().map(|method| method.name).collect();
    assert_eq!(names, ["sized", "cloned"]);
}
