//! Errors as responses.

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    error::{Code, Error, Started},
    http::Body,
};

/// The response for an error of a call; `detail` is the method's own error as JSON.
pub(super) fn response(error: &Error, detail: Option<&[u8]>) -> Response<Body> {
    let status = StatusCode::from_u16(error.code().http_status());
    let detail = detail.and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    let mut sources = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        sources.push(cause.to_string());
        source = cause.source();
    }
    let body = json!({"error": {
        "code": name(error.code()),
        "message": error.to_string(),
        "sources": sources,
        "started": match error.started() {
            Started::No => "no",
            Started::Yes => "yes",
            Started::Unknown => "unknown",
        },
        "detail": detail,
    }});
    with(
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        &body,
        error,
    )
}

/// The response for a request that leads to no call.
pub(super) fn problem(status: StatusCode, code: Code, message: &str) -> Response<Body> {
    let body = json!({"error": {
        "code": name(code),
        "message": message,
        "sources": [],
        "started": "no",
        "detail": null,
    }});
    json_response(status, &body)
}

fn with(status: StatusCode, body: &Value, error: &Error) -> Response<Body> {
    let mut response = json_response(status, body);
    if let Some(time) = error.retry_after() {
        let seconds = HeaderValue::from(time.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The code in the words of its specification.
fn name(code: Code) -> &'static str {
    match code {
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}
