//! Follows the instances of services by blocking queries.
//!
//! There is one query under way for each service, however many follow it, on this crate's own I/O
//! thread. While the agent is away, or cannot be believed, the last good list stays and is marked
//! as not live; it says why.
//!
//! - `cursor`: where a query stands in the history, and how long to wait
//! - `settled`: what to make of a list that comes after an outage
//! - `follow`: the loop

mod cursor;
mod follow;
mod settled;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{runtime::Handle, sync::watch};

use self::follow::Follower;
pub(super) use self::follow::nobody_healthy;
use super::agent::{Agent, Lookup};
use crate::{blocking, discovery::Endpoints, error::Error};

/// The lists that are followed. Clones are one and the same.
#[derive(Clone)]
pub(super) struct Watches {
    agent: Agent,
    /// Followed are sidecars, instead of the services themselves.
    connect: bool,
    runtime: Handle,
    followed: Arc<Mutex<Followed>>,
}

type Followed = HashMap<String, watch::Sender<Arc<Endpoints>>>;

impl Watches {
    /// # Errors
    /// If there is no I/O thread.
    pub(super) fn new(agent: Agent, connect: bool) -> Result<Self, Error> {
        Ok(Self {
            agent,
            connect,
            runtime: blocking::io()?,
            followed: Arc::default(),
        })
    }

    /// The list of `service` from now on.
    pub(super) fn follow(&self, service: &str) -> watch::Receiver<Arc<Endpoints>> {
        let mut followed = self.followed();
        if let Some(sender) = followed.get(service) {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(Arc::default());
        followed.insert(service.to_owned(), sender.clone());
        let lookup = Lookup {
            service: service.to_owned(),
            connect: self.connect,
            passing: true,
        };
        let follower = Follower::new(self.agent.clone(), lookup, sender);
        self.runtime.spawn(follower.run(self.clone()));
        receiver
    }

    /// Forgets `service`, unless somebody follows it.
    fn end(&self, service: &str, sender: &watch::Sender<Arc<Endpoints>>) -> bool {
        let mut followed = self.followed();
        let over = sender.receiver_count() == 0;
        if over {
            followed.remove(service);
        }
        over
    }

    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<String> = self.followed().keys().cloned().collect();
        f.debug_struct("Watches")
            .field("services", &services)
            .finish_non_exhaustive()
    }
}
