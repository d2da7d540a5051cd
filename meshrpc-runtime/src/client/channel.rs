//! One deployment and one contract, as a generated client holds them.

use std::{fmt, sync::Arc};

use crate::{
    client::{Call, Counters, InstanceStatus, Outgoing, Pool},
    contract::{MethodSpec, ServiceSpec},
};

/// The way to one contract of one deployment, with the options of the calls made on it. Clones, and
/// all channels that a [`Mesh`](crate::Mesh) gave out for a deployment, share their connections.
#[derive(Clone)]
pub struct Channel {
    pub(crate) pool: Arc<Pool>,
    /// What methods use that threads wait for, if the contract has any.
    pub(crate) blocking: Option<Arc<Pool>>,
    pub(crate) spec: &'static ServiceSpec,
    pub(crate) options: Arc<Call>,
}

impl Channel {
    pub(crate) fn new(
        pool: Arc<Pool>,
        blocking: Option<Arc<Pool>>,
        spec: &'static ServiceSpec,
    ) -> Self {
        pool.want(spec);
        if let Some(blocking) = &blocking {
            blocking.want(spec);
        }
        Self {
            pool,
            blocking,
            spec,
            options: Arc::default(),
        }
    }

    /// A channel over the same connections whose calls have these options, instead of the ones
    /// this channel has.
    pub fn with(&self, call: Call) -> Channel {
        Channel {
            pool: Arc::clone(&self.pool),
            blocking: self.blocking.clone(),
            spec: self.spec,
            options: Arc::new(call),
        }
    }

    /// The same channel, over the connections for methods that threads wait for.
    pub(super) fn for_threads(&self) -> Option<Channel> {
        let pool = self.blocking.clone()?;
        Some(Channel {
            pool,
            ..self.clone()
        })
    }

    /// A channel to another contract of the deployment, over the same connections and with the same
    /// options.
    pub fn of(&self, spec: &'static ServiceSpec) -> Channel {
        Channel {
            options: Arc::clone(&self.options),
            ..Channel::new(Arc::clone(&self.pool), self.blocking.clone(), spec)
        }
    }

    /// Begins a call of `method`, which has to be one of this channel's contract.
    pub fn call(&self, method: &'static MethodSpec) -> Outgoing<'_> {
        Outgoing::new(self, method)
    }

    /// The deployment that calls go to.
    pub fn deployment(&self) -> &str {
        &self.pool.shared.deployment
    }

    /// What the deployment's connections have counted. Those of methods that threads wait for are
    /// connections of their own, and not counted here unless the contract has no others.
    pub fn counters(&self) -> &Counters {
        &self.pool.shared.counters
    }

    /// What is known of each instance that the registry lists, in the order of their names.
    pub fn instances(&self) -> Vec<InstanceStatus> {
        let snapshot = self.pool.snapshots.borrow();
        snapshot
            .members()
            .iter()
            .map(InstanceStatus::from)
            .collect()
    }

    /// The contract.
    pub fn spec(&self) -> &'static ServiceSpec {
        self.spec
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("deployment", &self.deployment())
            .field("contract", &self.spec.name)
            .field("options", &self.options)
            .finish()
    }
}
