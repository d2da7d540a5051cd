//! A mesh that is written down: `static:greeter=127.0.0.1:4000|127.0.0.1:4001,orders=host:4100`.
//!
//! Deployments are separated by commas, the addresses of one by bars: IP and port, a host's name and
//! port, or `unix:` and a path. An instance's stable name is its address. Names are looked up again
//! every ten seconds while somebody watches; one that cannot be keeps its last addresses.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{net::lookup_host, sync::watch};

use super::url::wrong;
use crate::{
    discovery::{
        Address, Advert, Advertisement, BoxFuture, Endpoint, Endpoints, Health, Instance,
        Registrar, Resolver, Via,
    },
    error::{Code, Error, Kind},
};

/// How often names are looked up.
const LOOK_UP: Duration = Duration::from_secs(10);

/// The list.
#[derive(Debug)]
pub(crate) struct Fixed {
    deployments: HashMap<String, Vec<Place>>,
}

/// An address as written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// One that can be dialled.
    Address(Address),
    /// Host and port, to be looked up.
    Name(String),
}

/// A server on a fixed list: nobody has to be told.
#[derive(Debug)]
struct Listed {
    instance: Instance,
    bind: Address,
}

impl Fixed {
    /// # Errors
    /// For text that is no such list.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut deployments = HashMap::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, places) = part.split_once('=').ok_or_else(|| {
                wrong(format!(
                    "MESHRPC_MESH: `{part}`: expected `deployment=address|address`"
                ))
            })?;
            let places = places
                .split('|')
                .map(Place::parse)
                .collect::<Result<Vec<_>, _>>()?;
            if deployments.insert(name.to_owned(), places).is_some() {
                return Err(wrong(format!("MESHRPC_MESH: `{name}` occurs twice")));
            }
        }
        Ok(Self { deployments })
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, Error> {
        if let Ok(address) = text.parse::<Address>() {
            return Ok(Place::Address(address));
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Ok(Place::Name(text.to_owned()))
            }
            _ => Err(wrong(format!(
                "MESHRPC_MESH: `{text}` is no address: expected `host:port` or `unix:/path`"
            ))),
        }
    }

    async fn endpoints(&self) -> std::io::Result<Vec<Endpoint>> {
        match self {
            Place::Address(address) => Ok(vec![endpoint(address.clone())]),
            Place::Name(name) => Ok(lookup_host(name)
                .await?
                .map(|address| endpoint(Address::Tcp(address)))
                .collect()),
        }
    }
}

impl Resolver for Fixed {
    fn watch(&self, deployment: &str) -> Result<watch::Receiver<Arc<Endpoints>>, Error> {
        let places = self.deployments.get(deployment).cloned().ok_or_else(|| {
            let message = format!("`{deployment}` is not in the list of MESHRPC_MESH");
            Error::new(Kind::Unavailable, message).with_code(Code::NotFound)
        })?;
        let known = |place: &Place| match place {
            Place::Address(address) => Some(endpoint(address.clone())),
            Place::Name(_) => None,
        };
        let ready: Vec<Endpoint> = places.iter().filter_map(known).collect();
        let complete = ready.len() == places.len();
        let (sender, receiver) = watch::channel(Arc::new(Endpoints {
            ready,
            live: complete,
        }));
        if complete {
            // Nothing will change; the sender lives as long as somebody looks.
            tokio::spawn(async move { sender.closed().await });
        } else {
            tokio::spawn(follow(places, sender));
        }
        Ok(receiver)
    }
}

/// Looks names up until nobody watches.
async fn follow(places: Vec<Place>, sender: watch::Sender<Arc<Endpoints>>) {
    let mut known: Vec<Vec<Endpoint>> = vec![Vec::new(); places.len()];
    loop {
        let mut live = true;
        for (place, known) in places.iter().zip(&mut known) {
            match place.endpoints().await {
                Ok(found) => *known = found,
                Err(error) => {
                    live = false;
                    tracing::debug!(?place, %error, "a name cannot be looked up");
                }
            }
        }
        let now = Endpoints {
            ready: known.concat(),
            live,
        };
        sender.send_if_modified(|before| {
            let changed = **before != now;
            if changed {
                *before = Arc::new(now);
            }
            changed
        });
        tokio::select! {
            () = sender.closed() => return,
            () = tokio::time::sleep(LOOK_UP) => {}
        }
    }
}

impl Registrar for Fixed {
    fn advertise(
        &self,
        advertisement: Advertisement,
    ) -> BoxFuture<'_, Result<Box<dyn Advert>, Error>> {
        let Advertisement {
            deployment,
            instance,
            epoch,
            listen,
        } = advertisement;
        let listed = self.deployments.get(&deployment).map(Vec::as_slice);
        let bind = match (listen, listed) {
            (Some(address), _) => Some(address),
            (None, Some([Place::Address(address)])) => Some(address.clone()),
            _ => None,
        };
        Box::pin(async move {
            let Some(bind) = bind else {
                let message =
                    format!("which address of `{deployment}` is this server's? Set MESHRPC_LISTEN");
                return Err(wrong(message));
            };
            let name = instance.unwrap_or_else(|| bind.to_string());
            let instance = Instance {
                name: name.into(),
                epoch,
            };
            Ok(Box::new(Listed { instance, bind }) as Box<dyn Advert>)
        })
    }
}

impl Advert for Listed {
    fn bind(&self) -> Address {
        self.bind.clone()
    }

    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn bound(&mut self, _: Address) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn set_health(&mut self, _: Health) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn withdraw(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

fn endpoint(address: Address) -> Endpoint {
    Endpoint {
        dial: address,
        instance: None,
        via: Via::Direct,
        weight: 1,
        zone: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_deployments_and_their_addresses() {
        let fixed = Fixed::parse("a=127.0.0.1:1|[::1]:2,b=unix:/run/b.sock|host:3").unwrap();
        let places = |name: &str| fixed.deployments[name].len();
        assert_eq!((places("a"), places("b")), (2, 2));
        assert_eq!(fixed.deployments["b"][1], Place::Name("host:3".to_owned()));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            "a",
            "a=",
            "a=127.0.0.1",
            "a=host:x",
            "a=:1",
            "a=h:1,a=h:2",
            "a=unix:rel",
        ] {
            assert!(Fixed::parse(text).is_err(), "{text}");
        }
    }
}
