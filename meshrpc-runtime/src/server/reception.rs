//! The calls of one connection, on their way to the dispatcher.

use std::sync::{Arc, OnceLock};

use crate::{
    connection::{Dispatch, Incoming},
    context::Source,
    server::{admission::Client, dispatch::Dispatcher},
    wire::{ByteBudget, Peer},
};

/// Knows whose calls they are.
pub(crate) struct Reception {
    dispatcher: Arc<Dispatcher>,
    /// Known once the handshake is done.
    caller: OnceLock<Caller>,
}

/// Who calls.
pub(crate) struct Caller {
    pub(crate) client: Arc<Client>,
    pub(crate) source: Arc<Source>,
}

impl Reception {
    pub(crate) fn new(dispatcher: Arc<Dispatcher>) -> Self {
        Self {
            dispatcher,
            caller: OnceLock::new(),
        }
    }
}

impl Dispatch for Reception {
    fn connected(&self, peer: &Arc<Peer>) -> Option<Arc<ByteBudget>> {
        let service = &self.dispatcher.service;
        let caller = self.caller.get_or_init(|| Caller {
            client: service.admission.client(peer),
            source: Arc::new(Source {
                peer: Arc::clone(peer),
                unfinished: service.unfinished.clone(),
            }),
        });
        Some(Arc::clone(&caller.client.bytes))
    }

    fn dispatch(&self, calls: &mut dyn Iterator<Item = Incoming>) -> bool {
        match self.caller.get() {
            Some(caller) => self.dispatcher.dispatch(caller, calls),
            None => false,
        }
    }
}
