//! What every generated client has in common.

use std::future::Future;

use crate::{
    client::{Call, Channel},
    contract::ServiceSpec,
    error::Error,
    mesh::Mesh,
};

/// A generated client. Associated functions only, so that no method of a trait is shadowed:
/// `Client::with(&greeter, call)` works whatever the trait's own methods are called.
pub trait Client: Clone + Send + Sync + Sized {
    /// The client's contract.
    fn spec() -> &'static ServiceSpec;

    /// A client on `channel`, which has to be one of this contract.
    fn from_channel(channel: Channel) -> Self;

    /// The channel behind a client.
    fn channel(this: &Self) -> &Channel;

    /// A client of `deployment`. Returns at once: connections are made in the background, and the
    /// first call waits for one.
    fn connect(mesh: &Mesh, deployment: &str) -> Self {
        Self::from_channel(mesh.channel(deployment, Self::spec()))
    }

    /// A client over the same connections whose calls have these options.
    fn with(this: &Self, call: Call) -> Self {
        Self::from_channel(Self::channel(this).with(call))
    }

    /// A client of another contract that the same deployment serves, over the same connections and
    /// with the same options.
    ///
    /// It is how a client implements a supertrait that is a contract too:
    ///
    /// ```
    /// use meshrpc::{Client, mesh_service};
    ///
    /// #[mesh_service]
    /// trait Health {
    ///     async fn alive(&self) -> anyhow::Result<bool>;
    /// }
    ///
    /// #[mesh_service(supertraits = manual)]
    /// trait Admin: Health {
    ///     async fn restart(&self) -> anyhow::Result<()>;
    /// }
    ///
    /// impl Health for AdminClient {
    ///     async fn alive(&self) -> anyhow::Result<bool> {
    ///         Client::sibling::<HealthClient>(self).alive().await
    ///     }
    /// }
    /// # fn main() {}
    /// ```
    fn sibling<C: Client>(this: &Self) -> C {
        C::from_channel(Self::channel(this).of(C::spec()))
    }

    /// Waits until an instance is connected.
    ///
    /// # Errors
    /// As [`Channel::wait_ready`].
    fn wait_ready(this: &Self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Self::channel(this).wait_ready().await }
    }

    /// Waits until every instance that the registry lists is connected.
    ///
    /// # Errors
    /// As [`Channel::wait_ready_all`].
    fn wait_ready_all(this: &Self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Self::channel(this).wait_ready_all().await }
    }
}
