//! Typed routes over the generated client.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use greeter::{Greeter, GreeterClient, Postcard, PostcardError};

/// `GET /ping`, `GET /greeter/greet/{name}` and
/// `POST /greeter/sendPostcard/{recipient}/{address}/{message}`.
pub(crate) fn typed(greeter: GreeterClient) -> Router {
    Router::new()
        .route("/ping", get(async || "pong\n"))
        .route("/greeter/greet/{name}", get(greet))
        .route(
            "/greeter/sendPostcard/{recipient}/{address}/{message}",
            post(send_postcard),
        )
        .with_state(greeter)
}

async fn greet(State(greeter): State<GreeterClient>, Path(name): Path<String>) -> Response {
    match greeter.greet(&name).await {
        Ok(greeting) => format!("{greeting}\n").into_response(),
        Err(error) => {
            let code = error
                .downcast_ref::<meshrpc::Error>()
                .map(meshrpc::Error::code);
            let status = code.and_then(|code| StatusCode::from_u16(code.http_status()).ok());
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, format!("{error:#}\n")).into_response()
        }
    }
}

async fn send_postcard(
    State(greeter): State<GreeterClient>,
    Path((recipient, address, message)): Path<(String, String, String)>,
) -> Response {
    match greeter
        .send_postcard(Postcard {
            recipient,
            address,
            message,
        })
        .await
    {
        Ok(sent) => format!("{sent}\n").into_response(),
        Err(error @ PostcardError::Mesh(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}
