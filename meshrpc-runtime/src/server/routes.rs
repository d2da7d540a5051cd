//! Which handler serves which method.

use std::sync::Arc;

use crate::{
    connection,
    contract::{MethodSpec, ServiceSpec},
    error::{Code, Error, Kind},
    server::{Handler, Quota, StreamHandler, admission::ContractGate, batch::Pace},
    wire::ContractOffer,
};

/// The methods of a server, by key.
#[derive(Default)]
pub(crate) struct Routes {
    /// Ordered by key: a server has few methods, and searching them beats hashing.
    by_key: Vec<Route>,
    specs: Vec<&'static ServiceSpec>,
}

/// One method.
pub(crate) struct Route {
    pub(crate) contract: &'static str,
    pub(crate) method: &'static MethodSpec,
    pub(crate) target: Target,
    pub(crate) pace: Pace,
    /// Shared by the methods of the contract.
    pub(crate) gate: ContractGate,
}

/// What serves a method.
#[derive(Clone)]
pub(crate) enum Target {
    Call(Arc<dyn Handler>),
    Stream(Arc<dyn StreamHandler>),
}

impl Target {
    pub(crate) fn spec(&self) -> &'static ServiceSpec {
        match self {
            Target::Call(handler) => handler.spec(),
            Target::Stream(handler) => handler.spec(),
        }
    }

    fn quota(&self) -> Quota {
        match self {
            Target::Call(handler) => handler.quota(),
            Target::Stream(_) => Quota::new(),
        }
    }
}

impl Routes {
    /// # Errors
    /// If two methods have the same key.
    pub(crate) fn new(targets: &[Target]) -> Result<Self, Error> {
        let mut routes = Self::default();
        for target in targets {
            let spec = target.spec();
            spec.check()
                .map_err(|unsupported| wrong(unsupported.to_string()))?;
            routes.specs.push(spec);
            let gate = ContractGate::new(target.quota(), spec.name, connection::now());
            for method in spec.methods {
                let route = Route {
                    contract: spec.name,
                    method,
                    target: target.clone(),
                    pace: Pace::default(),
                    gate: gate.clone(),
                };
                routes.by_key.push(route);
            }
        }
        routes.by_key.sort_by_key(|route| route.method.key);
        match routes
            .by_key
            .windows(2)
            .find(|pair| pair[0].method.key == pair[1].method.key)
        {
            Some([one, other]) => Err(wrong(format!(
                "`{}/{}` and `{}/{}` have the same method key: a contract is served once, and a \
                 method whose key collides is renamed",
                one.contract, one.method.name, other.contract, other.method.name
            ))),
            _ => Ok(routes),
        }
    }

    /// The method with this key, and its place here.
    pub(crate) fn route(&self, key: u64) -> Option<(usize, &Route)> {
        let found = self
            .by_key
            .binary_search_by_key(&key, |route| route.method.key)
            .ok()?;
        Some((found, self.by_key.get(found)?))
    }

    /// The method at this place.
    pub(crate) fn at(&self, place: usize) -> Option<&Route> {
        self.by_key.get(place)
    }

    /// What the handshake says of the contracts. Computes fingerprints that are not known yet.
    pub(crate) fn offers(&self) -> Arc<[ContractOffer]> {
        self.specs.iter().map(|spec| spec.offer()).collect()
    }
}

fn wrong(message: String) -> Error {
    Error::new(Kind::Protocol, message).with_code(Code::FailedPrecondition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::testing::{ECHO, Echo};

    #[test]
    fn a_contract_is_served_once() {
        let echo = Target::Call(Arc::new(Echo));
        let routes = Routes::new(std::slice::from_ref(&echo)).unwrap();
        assert_eq!(
            routes.route(ECHO.methods[0].key).unwrap().1.contract,
            "test.echo"
        );
        assert!(routes.route(0).is_none());
        let Err(error) = Routes::new(&[echo.clone(), echo]) else {
            panic!("served twice")
        };
        assert_eq!(error.code(), Code::FailedPrecondition);
        assert!(
            error
                .to_string()
                .contains("`test.echo/echo` and `test.echo/echo`"),
            "{error}"
        );
    }
}
