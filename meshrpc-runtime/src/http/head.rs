//! Heads of requests and responses as they travel.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request, response,
};
use serde::{Deserialize, Serialize};

use crate::{
    codec,
    error::{Code, Error, Kind},
    wire::Codec,
};

/// Headers that concern one connection only.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The head of a request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RequestHead {
    method: String,
    target: String,
    headers: Vec<(String, serde_bytes::ByteBuf)>,
}

/// The head of a response.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ResponseHead {
    status: u16,
    headers: Vec<(String, serde_bytes::ByteBuf)>,
}

/// Trailers, as a list.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Trailers(Vec<(String, serde_bytes::ByteBuf)>);

impl RequestHead {
    pub(crate) fn of(parts: &request::Parts) -> Self {
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        Self {
            method: parts.method.as_str().to_owned(),
            target: target.to_owned(),
            headers: to_wire(&parts.headers),
        }
    }

    pub(crate) fn into_request<B>(self, body: B) -> Result<http::Request<B>, Error> {
        let mut request = http::Request::new(body);
        *request.method_mut() = Method::from_bytes(self.method.as_bytes()).map_err(invalid)?;
        *request.uri_mut() = self.target.parse::<Uri>().map_err(invalid)?;
        *request.headers_mut() = from_wire(self.headers)?;
        Ok(request)
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, Error> {
        codec::decode(Codec::FieldNamed, bytes).map_err(invalid)
    }
}

impl ResponseHead {
    pub(crate) fn of(parts: &response::Parts) -> Self {
        Self {
            status: parts.status.as_u16(),
            headers: to_wire(&parts.headers),
        }
    }

    pub(crate) fn into_response<B>(self, body: B) -> Result<http::Response<B>, Error> {
        let mut response = http::Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).map_err(invalid)?;
        *response.headers_mut() = from_wire(self.headers)?;
        Ok(response)
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, Error> {
        codec::decode(Codec::FieldNamed, bytes).map_err(invalid)
    }
}

impl Trailers {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(to_wire(headers))
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<HeaderMap, Error> {
        let Trailers(list) = codec::decode(Codec::FieldNamed, bytes).map_err(invalid)?;
        from_wire(list)
    }
}

fn to_wire(headers: &HeaderMap) -> Vec<(String, serde_bytes::ByteBuf)> {
    let named = connection_options(headers);
    headers
        .iter()
        .filter(|(name, _)| {
            !HOP_BY_HOP.contains(name) && !named.iter().any(|option| option == name.as_str())
        })
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                serde_bytes::ByteBuf::from(value.as_bytes()),
            )
        })
        .collect()
}

/// Headers that `Connection` names are of one hop, too.
fn connection_options(headers: &HeaderMap) -> Vec<String> {
    let values = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

fn from_wire(list: Vec<(String, serde_bytes::ByteBuf)>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(list.len().min(128));
    for (name, value) in list {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(invalid)?;
        let value =
            HeaderValue::from_maybe_shared(Bytes::from(value.into_vec())).map_err(invalid)?;
        headers.try_append(name, value).map_err(invalid)?;
    }
    Ok(headers)
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Codec, "the peer sent an HTTP head that is none")
        .with_code(Code::InvalidArgument)
        .with_source(error)
}
