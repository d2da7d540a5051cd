//! `static:`: a list of addresses, for places where something else decides who runs where.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::watch};

use super::name::{self, invalid};
use crate::{
    discovery::{
        Address, Advert, Advertisement, BoxFuture, Endpoint, Endpoints, Health, Instance,
        Registrar, Resolver, Via,
    },
    error::Error,
};

/// How long a resolved host name is believed. A list that is written by hand changes seldom, and a
/// connection that fails is not waiting for this.
const REFRESH: Duration = Duration::from_secs(30);
/// How long to wait after a host name could not be resolved.
const RETRY: Duration = Duration::from_secs(1);

/// A fixed list of instances for each deployment.
///
/// The URL is `static:DEPLOYMENT=ADDRESS|ADDRESS…,DEPLOYMENT=…`, an address being `IP:PORT`,
/// `HOST:PORT` or `unix:/path`:
///
/// ```text
/// static:greeter=10.0.0.5:7001|10.0.0.6:7001,ledger=unix:/run/ledger.sock
/// ```
///
/// Each address is one instance, and as written it is the instance's stable name. Of a host name
/// that resolves to several addresses the first IPv4 one is dialled, else the first. Nobody is told
/// when an instance drains: its go-away does that.
///
/// A server binds the address it is given (`MESHRPC_LISTEN`), or the only one listed for its
/// deployment if that is an IP address or a socket.
#[derive(Debug)]
pub(super) struct Fixed {
    deployments: HashMap<String, Deployment>,
}

#[derive(Debug)]
struct Deployment {
    targets: Arc<[Target]>,
    /// All of them, unless there are host names.
    endpoints: watch::Sender<Arc<Endpoints>>,
}

/// One listed address, with its text.
#[derive(Clone, Debug, PartialEq)]
enum Target {
    Known(Arc<str>, Address),
    Host(Arc<str>),
}

#[derive(Debug)]
struct FixedAdvert {
    instance: Instance,
    bind: Address,
}

impl Fixed {
    /// Reads what follows `static:` in a mesh URL.
    ///
    /// # Errors
    /// If it is not as described above, or names a deployment or an address twice.
    pub(super) fn parse(list: &str) -> Result<Self, Error> {
        let mut deployments = HashMap::new();
        for item in list.split(',') {
            let Some((deployment, addresses)) = item.split_once('=') else {
                return Err(invalid(format!(
                    "`{item}` in a `static:` mesh is not `DEPLOYMENT=ADDRESS|…`"
                )));
            };
            name::check("the deployment", deployment)?;
            let mut targets: Vec<Target> = Vec::new();
            for address in addresses.split('|') {
                let target = Target::parse(deployment, address)?;
                if targets.iter().any(|known| known.text() == target.text()) {
                    return Err(invalid(format!(
                        "`{address}` is listed twice for `{deployment}`"
                    )));
                }
                targets.push(target);
            }
            let known = Deployment::new(targets);
            if deployments.insert(deployment.to_owned(), known).is_some() {
                return Err(invalid(format!(
                    "the deployment `{deployment}` is listed twice"
                )));
            }
        }
        Ok(Self { deployments })
    }
}

impl Registrar for Fixed {
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
            let listed = self
                .deployments
                .get(&deployment)
                .map(|known| &*known.targets);
            let bind = match (listen, listed) {
                (Some(Address::Tcp(address)), _) if address.port() == 0 => {
                    return Err(invalid(format!(
                        "`{deployment}` cannot listen on a port that the system chooses: nobody \
                         would find it in a `static:` mesh"
                    )));
                }
                (Some(address), _) => address,
                (None, Some([Target::Known(_, address)])) => address.clone(),
                (None, _) => {
                    return Err(invalid(format!(
                        "a `static:` mesh does not say which address this instance of \
                         `{deployment}` has: set MESHRPC_LISTEN"
                    )));
                }
            };
            let name = instance.unwrap_or_else(|| bind.to_string());
            let instance = Instance {
                name: name.into(),
                epoch,
            };
            Ok(Box::new(FixedAdvert { instance, bind }) as Box<dyn Advert>)
        })
    }
}

impl Resolver for Fixed {
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        let Some(known) = self.deployments.get(deployment) else {
            let mut listed: Vec<_> = self.deployments.keys().map(String::as_str).collect();
            listed.sort_unstable();
            return Err(invalid(format!(
                "the deployment `{deployment}` is not in the `static:` mesh, which lists {}",
                listed.join(", ")
            )));
        };
        let has_names = known
            .targets
            .iter()
            .any(|target| matches!(target, Target::Host(_)));
        if !has_names {
            return Ok(known.endpoints.subscribe());
        }
        let runtime = Handle::try_current().map_err(|_| {
            invalid(format!(
                "`{deployment}` has host names: they are resolved on a tokio runtime only"
            ))
        })?;
        let (endpoints, receiver) = watch::channel(Arc::default());
        runtime.spawn(follow(known.targets.clone(), endpoints));
        Ok(receiver)
    }
}

impl Advert for FixedAdvert {
    fn bind(&self) -> Address {
        self.bind.clone()
    }

    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn bound(&mut self, _address: Address) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn set_health(&mut self, _health: Health) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn withdraw(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

impl Deployment {
    fn new(targets: Vec<Target>) -> Self {
        let known: Option<Vec<_>> = targets
            .iter()
            .map(|target| match target {
                Target::Known(text, address) => Some(endpoint(text, address.clone())),
                Target::Host(_) => None,
            })
            .collect();
        let endpoints = match known {
            Some(ready) => Endpoints::live(ready),
            None => Endpoints::default(),
        };
        Self {
            targets: targets.into(),
            endpoints: watch::Sender::new(Arc::new(endpoints)),
        }
    }
}

impl Target {
    fn parse(deployment: &str, text: &str) -> Result<Self, Error> {
        let refused = || {
            invalid(format!(
                "`{text}` is no address for `{deployment}`: expected `IP:PORT`, `HOST:PORT` or \
                 `unix:/absolute/path`"
            ))
        };
        if text.len() > name::MAX {
            return Err(invalid(format!(
                "an address of `{deployment}` is longer than 128 bytes"
            )));
        }
        match text.parse() {
            Ok(Address::InProcess(_)) => return Err(refused()),
            Ok(Address::Tcp(address)) if address.port() == 0 => return Err(refused()),
            Ok(address) => return Ok(Target::Known(text.into(), address)),
            Err(_) => {}
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        match text.split_once(':') {
            Some((host, port))
                if !host.is_empty()
                    && host.bytes().all(plain)
                    && port.parse::<u16>().is_ok_and(|port| port != 0) =>
            {
                Ok(Target::Host(text.into()))
            }
            _ => Err(refused()),
        }
    }

    fn text(&self) -> &str {
        match self {
            Target::Known(text, _) | Target::Host(text) => text,
        }
    }
}

/// Resolves the host names of a deployment for as long as it is followed.
async fn follow(targets: Arc<[Target]>, endpoints: watch::Sender<Arc<Endpoints>>) {
    let mut known: HashMap<Arc<str>, Address> = HashMap::new();
    loop {
        let mut complete = true;
        for target in &*targets {
            match target {
                Target::Known(text, address) => {
                    known.insert(text.clone(), address.clone());
                }
                Target::Host(text) => match lookup(text).await {
                    Ok(address) => {
                        known.insert(text.clone(), address);
                    }
                    Err(error) => {
                        complete = false;
                        tracing::warn!(host = %text, %error, "host name not resolved");
                    }
                },
            }
        }
        let ready = targets
            .iter()
            .filter_map(|target| known.get_key_value(target.text()))
            .map(|(text, address)| endpoint(text, address.clone()))
            .collect();
        let known = match complete {
            true => Endpoints::live(ready),
            false => Endpoints::last_known(ready, None),
        };
        super::announce(&endpoints, known);
        tokio::select! {
            () = endpoints.closed() => return,
            () = tokio::time::sleep(if complete { REFRESH } else { RETRY }) => {}
        }
    }
}

async fn lookup(host: &str) -> io::Result<Address> {
    let found: Vec<_> = tokio::net::lookup_host(host).await?.collect();
    let chosen = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first());
    chosen
        .map(|address| Address::Tcp(*address))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}

fn endpoint(text: &Arc<str>, dial: Address) -> Endpoint {
    Endpoint {
        dial,
        instance: Some(Instance {
            name: text.clone(),
            epoch: 0,
        }),
        via: Via::Direct,
        weight: 1,
        zone: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_addresses_and_deployments() {
        let mesh =
            Fixed::parse("greeter=127.0.0.1:1|[::1]:2,ledger=unix:/run/ledger.sock").unwrap();
        let greeters = mesh.watch("greeter").unwrap();
        let greeters: Vec<_> = greeters
            .borrow()
            .ready
            .iter()
            .map(|e| {
                (
                    e.dial.to_string(),
                    e.instance.as_ref().unwrap().name.to_string(),
                )
            })
            .collect();
        let both = |text: &str| (text.to_owned(), text.to_owned());
        assert_eq!(greeters, [both("127.0.0.1:1"), both("[::1]:2")]);
        assert_eq!(mesh.watch("ledger").unwrap().borrow().ready.len(), 1);
    }

    #[test]
    fn lists_that_mean_nothing_are_refused() {
        for list in [
            "",
            "greeter",
            "greeter=",
            "greeter=127.0.0.1",
            "greeter=127.0.0.1:0",
            "greeter=host:0",
            "greeter=ho st:1",
            "greeter=in-process:1",
            "greeter=127.0.0.1:1|127.0.0.1:1",
            "greeter=127.0.0.1:1,greeter=127.0.0.1:2",
            "a/b=127.0.0.1:1",
            "greeter=127.0.0.1:1?x=y",
        ] {
            assert!(Fixed::parse(list).is_err(), "{list}");
        }
    }

    #[test]
    fn a_deployment_that_is_not_listed_is_an_error() {
        let mesh = Fixed::parse("greeter=127.0.0.1:1").unwrap();
        let error = mesh.watch("ledger").unwrap_err();
        assert!(error.to_string().contains("lists greeter"), "{error}");
    }

    #[tokio::test]
    async fn a_host_name_is_resolved_and_stays_the_stable_name() {
        let mesh = Fixed::parse("greeter=localhost:4000").unwrap();
        let mut watch = mesh.watch("greeter").unwrap();
        let known = watch
            .wait_for(|endpoints| endpoints.live)
            .await
            .unwrap()
            .clone();
        assert_eq!(
            &*known.ready[0].instance.as_ref().unwrap().name,
            "localhost:4000"
        );
        assert!(matches!(known.ready[0].dial, Address::Tcp(address) if address.port() == 4000));
    }

    #[tokio::test]
    async fn a_server_binds_its_only_address_or_is_told() {
        let mesh = Fixed::parse("one=127.0.0.1:1,two=127.0.0.1:1|127.0.0.1:2").unwrap();
        let ask = |deployment: &str, listen: Option<&str>| {
            mesh.advertise(Advertisement {
                deployment: deployment.to_owned(),
                instance: None,
                epoch: 1,
                listen: listen.map(|address| address.parse().unwrap()),
            })
        };
        assert_eq!(
            ask("one", None).await.unwrap().bind().to_string(),
            "127.0.0.1:1"
        );
        let advert = ask("two", Some("127.0.0.1:2")).await.unwrap();
        assert_eq!(&*advert.instance().name, "127.0.0.1:2");
        assert!(
            ask("two", None)
                .await
                .unwrap_err()
                .to_string()
                .contains("MESHRPC_LISTEN")
        );
        assert!(ask("two", Some("127.0.0.1:0")).await.is_err());
    }
}
