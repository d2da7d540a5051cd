//! The registration of a server.

use std::{net::IpAddr, sync::Arc};

use tokio::{runtime::Handle, sync::watch};

use super::{Application, Draft, Kept, Running, Setting, Slot, id};
use crate::{
    discovery::{Address, Advert, Advertisement, BoxFuture, Health, Instance},
    error::{Code, Error, Kind},
    mesh::{
        consul::{error::ConsulError, sidecar::Proxy, upstream::Upstreams},
        name::{self, invalid},
    },
};

/// A server that is, or will be, registered with Consul.
#[derive(Debug)]
pub(crate) struct ConsulAdvert {
    setting: Arc<Setting>,
    /// Of this process, which may call others by the name that it serves.
    upstreams: Option<Arc<Upstreams>>,
    deployment: String,
    instance: Instance,
    bind: Address,
    /// Until it is handed to the registration.
    slot: Option<Slot>,
    application: Option<Application>,
    running: Option<Running>,
    /// How often the sidecar was about to cut its connections.
    cuts: watch::Sender<u64>,
}

impl ConsulAdvert {
    /// Takes a name. The agent is not told yet.
    ///
    /// # Errors
    /// If the names cannot be what they are, or the directory of names cannot be used.
    pub(crate) async fn new(
        setting: &Arc<Setting>,
        upstreams: Option<&Arc<Upstreams>>,
        advertisement: Advertisement,
    ) -> Result<Self, Error> {
        let Advertisement {
            deployment,
            instance,
            epoch,
            listen,
        } = advertisement;
        name::check("the deployment", &deployment)?;
        let (name, slot) = match instance {
            Some(name) => {
                name::check("the instance", &name)?;
                (name, None)
            }
            None => {
                let slot = Slot::choose(setting, &deployment).await?;
                (slot.name.clone(), Some(slot))
            }
        };
        let bind = match listen {
            Some(address) => address,
            None => choose_address(setting, slot.as_ref()).await,
        };
        Ok(Self {
            setting: Arc::clone(setting),
            upstreams: upstreams.cloned(),
            deployment,
            instance: Instance {
                name: name.into(),
                epoch,
            },
            bind,
            slot,
            application: None,
            running: None,
            cuts: watch::Sender::new(0),
        })
    }

    async fn ready(&mut self) -> Result<(), Error> {
        if self.running.is_some() {
            return Ok(());
        }
        let Some(application) = self.application.clone() else {
            let message = "an instance cannot be ready before its listener is bound";
            return Err(Error::new(Kind::Unavailable, message).with_code(Code::FailedPrecondition));
        };
        let draft = Draft {
            service: self.deployment.clone(),
            id: id(&self.deployment),
            instance: self.instance.clone(),
            application,
            template: self.setting.server.clone(),
        };
        if let Some(upstreams) = &self.upstreams {
            upstreams.give_way(&self.deployment).await;
        }
        let mut kept = Kept::new(Arc::clone(&self.setting), draft).await?;
        kept.cuts = self.cuts.clone();
        let running = Running::up(kept, self.slot.take(), true, &Handle::current()).await?;
        self.running = Some(running);
        Ok(())
    }
}

impl Advert for ConsulAdvert {
    fn bind(&self) -> Address {
        self.bind.clone()
    }

    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn behind_proxy(&self) -> bool {
        self.setting.proxy.is_some()
    }

    fn cuts(&self) -> Option<watch::Receiver<u64>> {
        Some(self.cuts.subscribe())
    }

    fn bound(&mut self, address: Address) -> BoxFuture<'_, Result<(), Error>> {
        let application = application(&address, self.setting.proxy.as_ref());
        Box::pin(async move {
            self.application = Some(application?);
            Ok(())
        })
    }

    fn set_health(&mut self, health: Health) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            match (health, &self.running) {
                (Health::Ready, _) => self.ready().await,
                (Health::Draining, Some(running)) => {
                    let drained = running.drain().await;
                    drained.map_err(|error| ConsulError::from(error).into())
                }
                (Health::Draining | Health::Starting, _) => Ok(()),
            }
        })
    }

    fn companion(&mut self) -> Option<BoxFuture<'static, ()>> {
        let sidecar = Arc::clone(self.running.as_ref()?.sidecar()?);
        Some(Box::pin(async move { sidecar.end().await }))
    }

    fn withdraw(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let Some(running) = &mut self.running else {
                return Ok(());
            };
            let withdrawn = running.withdraw().await;
            withdrawn.map_err(|error| ConsulError::from(error).into())
        })
    }
}

/// A Unix socket in a folder of this user, where the sidecar finds it there: so no other user of the
/// machine gets past the sidecar. Else a port.
async fn choose_address(setting: &Setting, slot: Option<&Slot>) -> Address {
    /// Longer paths are none for a socket.
    const LONGEST: usize = 100;
    let random = || {
        let directory = setting.slots().ok()?;
        Some(directory.join(format!("{:016x}.sock", fastrand::u64(..))))
    };
    let path = slot.map_or_else(random, |slot| Some(slot.socket.clone()));
    match path.filter(|path| path.as_os_str().len() <= LONGEST) {
        Some(path) if setting.takes_sockets().await => Address::Unix(path),
        _ => Address::Tcp(([127, 0, 0, 1], 0).into()),
    }
}

/// Where the sidecar, or if there are none a caller, finds what listens at `address`.
pub(crate) fn application(address: &Address, proxy: Option<&Proxy>) -> Result<Application, Error> {
    match address {
        Address::Tcp(address) => {
            // Behind a sidecar the address is the sidecar's. A listener that others can reach has
            // its own, unless that means every interface.
            let own = |ip: IpAddr| proxy.is_none() && !ip.is_unspecified();
            Ok(Application::Tcp {
                address: own(address.ip()).then(|| address.ip().to_string()),
                port: address.port(),
            })
        }
        Address::Unix(path) => match proxy {
            None => Err(invalid(
                "without sidecars nobody could reach a Unix socket through Consul".to_owned(),
            )),
            Some(Proxy::BuiltIn) => Err(invalid(
                "Consul's built-in proxy reaches no Unix socket, Envoy does (`proxy=envoy`)"
                    .to_owned(),
            )),
            Some(_) if path.to_str().is_none() => {
                Err(invalid("Consul takes no path that is not UTF-8".to_owned()))
            }
            Some(_) => Ok(Application::Unix(path.clone())),
        },
        Address::InProcess(_) => Err(invalid(
            "other processes cannot dial a listener in this one".to_owned(),
        )),
    }
}
