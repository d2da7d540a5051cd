//! The calls of one connection, on their way to the dispatcher.

use std::sync::{Arc, OnceLock};

use crate::{
    connection::{Dispatch, Incoming},
    server::{admission::Client, dispatch::Dispatcher},
    wire::{ByteBudget, Peer},
};

/// Knows whose calls they are.
pub(crate) struct Reception {
    dispatcher: Arc<Dispatcher>,
    /// Known once the handshake is done.
    client: OnceLock<Arc<Client>>,
}

impl Reception {
    pub(crate) fn new(dispatcher: Arc<Dispatcher>) -> Self {
        Self {
            dispatcher,
            client: OnceLock::new(),
        }
    }
}

impl Dispatch for Reception {
    fn connected(&self, peer: &Peer) -> Option<Arc<ByteBudget>> {
        let client = || self.dispatcher.service.admission.client(peer);
        let client = self.client.get_or_init(client);
        Some(Arc::clone(&client.bytes))
    }

    fn dispatch(&self, calls: &mut dyn Iterator<Item = Incoming>) -> bool {
        let client = self.client.get().map(|client| &**client);
        self.dispatcher.dispatch(client, calls)
    }
}
