//! A connection to one instance, as calls see it.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{driver::Event, members::DialId};
use crate::{
    client::health::{Policy, Streak},
    connection::Connection,
    contract::{MethodSpec, ServiceSpec},
    wire::{Codec, ContractVerdict},
};

/// A connection to one instance.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) connection: Connection,
    /// Stable name by which the registry knows the instance.
    pub(crate) name: Arc<str>,
    /// Boot that answered.
    pub(crate) epoch: u64,
    pub(super) id: DialId,
    pub(super) streak: Streak,
    pub(super) events: mpsc::UnboundedSender<Event>,
}

impl Lane {
    /// A call was answered.
    pub(crate) fn success(&self) {
        self.streak.success();
    }

    /// The instance said it is unavailable.
    pub(crate) fn failure(&self) {
        if self.streak.failure(&Policy::default()) {
            // A pool that is gone ejects nobody.
            let _ = self
                .events
                .send(Event::Suspect(self.id, Arc::clone(&self.name)));
        }
    }

    /// The codec for a call of `method` here; `None` if the instance does not serve `contract`.
    ///
    /// Positional only if both sides said in the handshake that they hold the same method; a
    /// contract that was not named there is called with field names.
    pub(crate) fn codec(&self, contract: &ServiceSpec, method: &MethodSpec) -> Option<Codec> {
        let verdicts = &self.connection.peer().verdicts;
        match verdicts
            .iter()
            .find(|(name, _)| name == contract.name)
            .map(|(_, verdict)| verdict)
        {
            Some(ContractVerdict::Absent) => None,
            Some(ContractVerdict::Same) => Some(method.codec()),
            Some(ContractVerdict::Differs(methods)) => {
                let fingerprint = method.fingerprint();
                let same = methods.iter().any(|offer| {
                    offer.key == method.key && offer.fingerprint == fingerprint && fingerprint != 0
                });
                Some(if same {
                    method.codec()
                } else {
                    Codec::FieldNamed
                })
            }
            None => Some(Codec::FieldNamed),
        }
    }
}
