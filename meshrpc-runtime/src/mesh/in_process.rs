//! A registry in memory, for tests: whoever holds the value meets, nobody else.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::name;
use crate::{
    discovery::{
        Address, Advert, Advertisement, BoxFuture, Endpoint, Endpoints, Health, Instance,
        Registrar, Resolver, Via,
    },
    error::{Code, Error, Kind},
};

/// A registry in memory. Clones are the same registry.
///
/// Servers listen in process unless an [`Advertisement`] names an address. Stable names are
/// `<deployment>-<lowest free number>`.
#[derive(Clone, Debug, Default)]
pub(crate) struct InProcess {
    deployments: Arc<Mutex<HashMap<String, Deployment>>>,
}

#[derive(Debug)]
struct Deployment {
    instances: BTreeMap<Arc<str>, Announced>,
    endpoints: watch::Sender<Arc<Endpoints>>,
}

#[derive(Debug)]
struct Announced {
    epoch: u64,
    health: Health,
    address: Option<Address>,
}

#[derive(Debug)]
struct InProcessAdvert {
    registry: InProcess,
    deployment: String,
    instance: Instance,
    bind: Address,
}

impl InProcess {
    /// The stable name of the instance that listens at `address`.
    #[cfg(feature = "testing")]
    pub(crate) fn instance_at(&self, address: &Address) -> Option<Arc<str>> {
        let deployments = self.deployments();
        deployments
            .values()
            .flat_map(|deployment| &deployment.instances)
            .find(|(_, announced)| announced.address.as_ref() == Some(address))
            .map(|(name, _)| Arc::clone(name))
    }

    /// Resolves when nobody follows `deployment`.
    #[cfg(feature = "testing")]
    pub(crate) fn unwatched(&self, deployment: &str) -> impl Future<Output = ()> + use<> {
        let mut deployments = self.deployments();
        let entry = deployments.entry(deployment.to_owned()).or_default();
        let endpoints = entry.endpoints.clone();
        async move { endpoints.closed().await }
    }

    fn deployments(&self) -> MutexGuard<'_, HashMap<String, Deployment>> {
        // Every critical section leaves the map whole, so a panic elsewhere spoils nothing.
        self.deployments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registrar for InProcess {
    fn advertise(
        &self,
        advertisement: Advertisement,
    ) -> BoxFuture<'_, Result<Box<dyn Advert>, Error>> {
        Box::pin(async move {
            let Advertisement {
                deployment,
                instance,
                epoch,
                listen,
            } = advertisement;
            name::check("the deployment", &deployment)?;
            let mut deployments = self.deployments();
            let entry = deployments.entry(deployment.clone()).or_default();
            let name = match instance {
                Some(name) => {
                    name::check("the instance", &name)?;
                    if entry.instances.contains_key(name.as_str()) {
                        let message =
                            format!("the instance `{name}` of `{deployment}` is announced already");
                        return Err(
                            Error::new(Kind::Unavailable, message).with_code(Code::AlreadyExists)
                        );
                    }
                    name
                }
                None => (0_u64..)
                    .map(|slot| format!("{deployment}-{slot}"))
                    .find(|name| !entry.instances.contains_key(name.as_str()))
                    .unwrap_or_default(),
            };
            let instance = Instance {
                name: name.into(),
                epoch,
            };
            let announced = Announced {
                epoch,
                health: Health::Starting,
                address: None,
            };
            entry.instances.insert(instance.name.clone(), announced);
            Ok(Box::new(InProcessAdvert {
                registry: self.clone(),
                deployment,
                instance,
                bind: listen.unwrap_or(Address::InProcess(0)),
            }) as Box<dyn Advert>)
        })
    }
}

impl Resolver for InProcess {
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        name::check("the deployment", deployment)?;
        let mut deployments = self.deployments();
        Ok(deployments
            .entry(deployment.to_owned())
            .or_default()
            .endpoints
            .subscribe())
    }
}

impl InProcessAdvert {
    fn change(
        &self,
        change: impl FnOnce(&mut Announced) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut deployments = self.registry.deployments();
        let deployment = deployments.entry(self.deployment.clone()).or_default();
        if let Some(announced) = deployment.instances.get_mut(&self.instance.name) {
            change(announced)?;
        }
        deployment.publish();
        Ok(())
    }
}

impl Advert for InProcessAdvert {
    fn bind(&self) -> Address {
        self.bind.clone()
    }

    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn bound(&mut self, address: Address) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.change(|announced| {
                announced.address = Some(address);
                Ok(())
            })
        })
    }

    fn set_health(&mut self, health: Health) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.change(|announced| {
                if health == Health::Ready && announced.address.is_none() {
                    return Err(unbound());
                }
                announced.health = health;
                Ok(())
            })
        })
    }

    fn withdraw(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        drop(self);
        Box::pin(async { Ok(()) })
    }
}

impl Drop for InProcessAdvert {
    fn drop(&mut self) {
        let mut deployments = self.registry.deployments();
        if let Some(deployment) = deployments.get_mut(&self.deployment) {
            deployment.instances.remove(&self.instance.name);
            deployment.publish();
        }
    }
}

impl Deployment {
    fn publish(&self) {
        let ready = self
            .instances
            .iter()
            .filter(|(_, announced)| announced.health == Health::Ready)
            .filter_map(|(name, announced)| {
                Some(Endpoint {
                    dial: announced.address.clone()?,
                    instance: Some(Instance {
                        name: name.clone(),
                        epoch: announced.epoch,
                    }),
                    via: Via::Direct,
                    weight: 1,
                    zone: None,
                })
            })
            .collect();
        super::announce(&self.endpoints, Endpoints::live(ready));
    }
}

impl Default for Deployment {
    fn default() -> Self {
        let known = Endpoints::live(Vec::new());
        Self {
            instances: BTreeMap::new(),
            endpoints: watch::Sender::new(Arc::new(known)),
        }
    }
}

/// A server that wants to be ready before it listens.
fn unbound() -> Error {
    Error::new(
        Kind::Unavailable,
        "an instance cannot be ready before its listener is bound",
    )
    .with_code(Code::FailedPrecondition)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(deployment: &str) -> Advertisement {
        Advertisement {
            deployment: deployment.into(),
            instance: None,
            epoch: 1,
            listen: None,
        }
    }

    fn names(receiver: &watch::Receiver<Arc<Endpoints>>) -> Vec<String> {
        let endpoints = receiver.borrow();
        endpoints
            .ready
            .iter()
            .map(|e| e.instance.as_ref().unwrap().name.to_string())
            .collect()
    }

    #[tokio::test]
    async fn an_instance_is_listed_from_ready_to_draining() {
        let registry = InProcess::default();
        let watch = registry.watch("greeter").unwrap();
        let mut advert = registry.advertise(of("greeter")).await.unwrap();
        assert_eq!(advert.bind(), Address::InProcess(0));
        assert!(
            advert.set_health(Health::Ready).await.is_err(),
            "ready before bound"
        );
        advert.bound(Address::InProcess(7)).await.unwrap();
        assert!(names(&watch).is_empty());
        advert.set_health(Health::Ready).await.unwrap();
        assert_eq!(names(&watch), ["greeter-0"]);
        advert.set_health(Health::Draining).await.unwrap();
        assert!(names(&watch).is_empty());
    }

    #[tokio::test]
    async fn a_dropped_advert_frees_its_name() {
        let registry = InProcess::default();
        let first = registry.advertise(of("greeter")).await.unwrap();
        let second = registry.advertise(of("greeter")).await.unwrap();
        assert_eq!(&*second.instance().name, "greeter-1");
        drop(first);
        let third = registry.advertise(of("greeter")).await.unwrap();
        assert_eq!(&*third.instance().name, "greeter-0");
    }

    #[tokio::test]
    async fn two_registries_do_not_meet() {
        let one = InProcess::default();
        let watch = InProcess::default().watch("greeter").unwrap();
        let mut advert = one.advertise(of("greeter")).await.unwrap();
        advert.bound(Address::InProcess(1)).await.unwrap();
        advert.set_health(Health::Ready).await.unwrap();
        assert!(names(&watch).is_empty());
    }
}
