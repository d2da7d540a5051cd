//! HTTP in, a state around the ring.

use std::{env, net::SocketAddr, sync::Arc, time::Instant};

use anyhow::Context;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use meshrpc::{gateway, shutdown_signal};
use ring::{HopState, Station, names};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// Most hops of one request: each is a call that waits for the next one.
const MOST: u64 = 10_000;

/// Serves `POST /peer/hop` once every peer can be called.
pub(crate) async fn run(station: Station) -> anyhow::Result<()> {
    tracing::info!("waiting for the peers");
    station.wait_ready().await?;
    let app = Router::new()
        .route("/peer/hop", post(hop))
        .with_state(Arc::new(station));
    let address = env::var("HTTP_LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let address: SocketAddr = address.parse().context("HTTP_LISTEN is no address")?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    gateway::serve(listener, app, shutdown_signal()).await?;
    Ok(())
}

/// What is asked for.
#[derive(Deserialize)]
struct Wanted {
    limit: u64,
    /// All peers, unless given.
    queue: Option<Vec<String>>,
}

/// What is answered.
#[derive(Serialize)]
struct Returned {
    /// The last state.
    #[serde(flatten)]
    state: HopState,
    /// Nanoseconds from the first call until the last state was back here: every hop there, and
    /// every answer back.
    round_trip: u64,
}

async fn hop(State(station): State<Arc<Station>>, body: Bytes) -> Response {
    // Whatever type the body is said to have.
    let Wanted { limit, queue } = match Json::from_bytes(&body) {
        Ok(Json(wanted)) => wanted,
        Err(rejection) => return rejection.into_response(),
    };
    let queue = queue.unwrap_or_else(names);
    if limit > MOST || queue.is_empty() {
        let why = format!("at most {MOST} hops, and a peer at least\n");
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    let begun = Instant::now();
    match station.go_on(HopState::new(queue, limit)).await {
        Ok(state) => {
            let round_trip = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            Json(Returned { state, round_trip }).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}\n")).into_response(),
    }
}
