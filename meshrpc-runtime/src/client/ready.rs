//! Waiting for instances before the first call.

use std::sync::Arc;

use crate::{
    client::{
        Channel,
        pool::{Lane, Snapshot},
    },
    connection,
    context::Context,
    contract::Deadline,
    error::{Error, Kind},
};

impl Channel {
    /// Waits until an instance is connected. It waits as long as the channel's options say for a
    /// call, else for the process's default deadline; an empty list is waited out.
    ///
    /// # Errors
    /// `Unavailable`, with what is known of each instance, when the time is over; `Denied` if it is
    /// known that this client may not call.
    pub async fn wait_ready(&self) -> Result<(), Error> {
        self.wait_until(|snapshot| snapshot.connected() > 0).await
    }

    /// Waits until the registry lists an instance and every instance it lists is connected, or of a
    /// long list as many as [`Balancing::subset`] says; as long as [`wait_ready`](Self::wait_ready)
    /// does. Behind a proxy that picks instances by itself that may take many dials.
    ///
    /// [`Balancing::subset`]: crate::client::balance::Balancing::subset
    ///
    /// # Errors
    /// As [`wait_ready`](Self::wait_ready).
    pub async fn wait_ready_all(&self) -> Result<(), Error> {
        self.wait_until(Snapshot::all_connected).await
    }

    async fn wait_until(&self, ready: impl Fn(&Snapshot<Arc<Lane>>) -> bool) -> Result<(), Error> {
        let default = self.pool.default_deadline;
        let context = Context::current();
        let deadline = self
            .options
            .ends(Deadline::Default, default, &context, connection::now());
        // Those that threads wait on are connections of their own.
        for pool in [Some(&self.pool), self.blocking.as_ref()]
            .into_iter()
            .flatten()
        {
            let mut snapshots = pool.snapshots.clone();
            let settled = async {
                // An error: the driver is gone, with the runtime it lived on.
                let wanted = snapshots.wait_for(|snapshot| ready(snapshot) || snapshot.is_ended());
                wanted.await.is_ok_and(|snapshot| ready(&snapshot))
            };
            let settled = match deadline {
                Some(deadline) => tokio::time::timeout_at(deadline.into(), settled)
                    .await
                    .unwrap_or(false),
                None => settled.await,
            };
            if !settled {
                let snapshot = pool.snapshots.borrow();
                let message = format!("not ready: {}", snapshot.trouble(self.deployment()));
                return Err(match snapshot.fault() {
                    Some(fault) => Error::new(fault.kind, message).with_code(fault.code),
                    None => Error::new(Kind::Unavailable, message),
                });
            }
        }
        Ok(())
    }
}
