//! The end of a server in good order.

use std::time::{Duration, Instant};

use crate::{
    connection,
    discovery::Health,
    error::Error,
    server::{Drained, Serving, listener::Phase},
};

/// How long the registry gets to spread the news before clients hear it from the connections. It
/// says itself when that is done, unless it cannot be told.
const SPREAD: Duration = Duration::from_secs(5);
/// How long the registry gets to forget the instance.
const WITHDRAW: Duration = Duration::from_secs(5);

impl Serving {
    /// Draining in the registry, go-away on every connection, calls finished or `end`, withdrawn,
    /// closed.
    pub(super) async fn wind_down(&mut self, end: Instant) -> Result<Drained, Error> {
        let instance = self.instance().name.clone();
        tracing::info!(instance = &*instance, "draining");
        if let Some(advert) = &mut self.advert {
            // Clients that follow the registry leave before they are sent away. A registry that
            // cannot be told does not keep the server from stopping: go-away reaches them too.
            let spread = end.min(connection::now() + SPREAD);
            let told = advert.set_health(Health::Draining);
            match tokio::time::timeout_at(spread.into(), told).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the registry was not told of the drain"),
                Err(_) => tracing::debug!("the registry is still spreading the news"),
            }
        }
        self.phase.send_replace(Phase::Draining);
        let finished = tokio::time::timeout_at(end.into(), self.finished())
            .await
            .is_ok();

        let mut companion = None;
        let withdrawn = match self.advert.take() {
            Some(mut advert) => {
                companion = advert.companion();
                tokio::time::timeout(WITHDRAW, advert.withdraw()).await
            }
            None => Ok(Ok(())),
        };
        self.phase.send_replace(Phase::Stopped);
        let mut cut = self.unfinished.count();
        for running in [Some(&mut self.listener), self.second.as_mut()]
            .into_iter()
            .flatten()
        {
            cut += (&mut running.task).await.unwrap_or(0);
        }
        if let Some(companion) = companion {
            companion.await;
        }
        if cut > 0 {
            tracing::warn!(
                instance = &*instance,
                cut,
                "calls were cut: the drain's time was over"
            );
        }
        tracing::info!(instance = &*instance, finished, "stopped");
        match withdrawn {
            Ok(result) => result.map(|()| Drained { cut }),
            Err(_) => {
                tracing::warn!(
                    instance = &*instance,
                    "the registry did not confirm the withdrawal"
                );
                Ok(Drained { cut })
            }
        }
    }

    /// Resolves when no connection is open and no work goes on.
    async fn finished(&mut self) {
        for running in [Some(&mut self.listener), self.second.as_mut()]
            .into_iter()
            .flatten()
        {
            // An error: the listener is gone, and nothing is open.
            let _ = running.open.wait_for(|open| *open == 0).await;
        }
        self.unfinished.finished().await;
    }
}
