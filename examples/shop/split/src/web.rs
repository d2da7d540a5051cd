//! The shop on the web.

use std::env;

use anyhow::Context as _;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::{
    Error, Shop,
    catalog::Item,
    orders::{Order, Receipt},
};

/// Serves the shop at `HTTP_LISTEN`.
///
/// # Errors
/// If that is no address, or cannot be had.
pub async fn serve(shop: Shop) -> anyhow::Result<()> {
    let address = env::var("HTTP_LISTEN").unwrap_or_else(|_| "127.0.0.1:8090".to_owned());
    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    tracing::info!("the shop is open at http://{}", listener.local_addr()?);
    axum::serve(listener, routes(shop)).await?;
    Ok(())
}

/// `GET /items/{sku}`, and `PUT` and `GET /orders/{number}`.
fn routes(shop: Shop) -> Router {
    Router::new()
        .route("/items/{sku}", get(item))
        .route("/orders/{number}", get(find).put(place))
        .with_state(shop)
}

/// An item, and how many of it can be ordered.
#[derive(Serialize)]
struct Offer {
    #[serde(flatten)]
    item: Item,
    left: u32,
}

async fn item(State(shop): State<Shop>, Path(sku): Path<String>) -> Result<Response, Error> {
    let item = shop.catalog.item(&sku).await?;
    let left = shop.inventory.left(&sku).await?;
    Ok(Json(Offer { item, left }).into_response())
}

async fn place(
    State(shop): State<Shop>,
    Path(number): Path<String>,
    body: String,
) -> Result<Response, Error> {
    match Json::<Order>::from_bytes(body.as_bytes()) {
        Ok(Json(order)) => Ok(Json(shop.orders.place(&number, &order).await?).into_response()),
        Err(refused) => Ok(refused.into_response()),
    }
}

async fn find(
    State(shop): State<Shop>,
    Path(number): Path<String>,
) -> Result<Json<Receipt>, Error> {
    Ok(Json(shop.orders.find(&number).await?))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match &self {
            Error::NotSold(_) | Error::NoOrder(_) => StatusCode::NOT_FOUND,
            Error::OutOfStock { .. } => StatusCode::CONFLICT,
            Error::Payment(_) => StatusCode::PAYMENT_REQUIRED,
            Error::Mesh(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, format!("{self}\n")).into_response()
    }
}
