//! STAND-IN, deleted on merge: the server's signatures.

use serde::Serialize;

use crate::{
    codec::{ArgsReader, DecodeError, encode},
    contract::{MethodSpec, ServiceSpec},
    discovery::BoxFuture,
    error::Code,
    wire::Codec,
};

pub trait Handler: Send + Sync + 'static {
    fn spec(&self) -> &'static ServiceSpec;
    fn call(&self, request: Request) -> BoxFuture<'static, Response>;
}

pub struct Request {
    pub(crate) method: &'static MethodSpec,
    pub(crate) body: Vec<u8>,
    pub(crate) session: Option<String>,
}
impl Request {
    pub fn method(&self) -> &'static MethodSpec {
        self.method
    }
    pub fn key(&self) -> u64 {
        self.method.key
    }
    pub fn codec(&self) -> Codec {
        Codec::Positional
    }
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }
    pub fn arguments(&self) -> Result<ArgsReader<'_>, DecodeError> {
        ArgsReader::new(Codec::Positional, self.method.arguments, &self.body)
    }
}

pub struct Response(pub(crate) Result<Vec<u8>, Failure>);
pub(crate) struct Failure {
    pub(crate) typed: Option<Vec<u8>>,
    pub(crate) chain: Vec<String>,
    pub(crate) relayed: Option<Code>,
}
impl Response {
    pub fn value<T: Serialize + ?Sized>(
        codec: Codec,
        _: &'static MethodSpec,
        value: &T,
    ) -> Response {
        let mut body = Vec::new();
        match encode(codec, value, &mut body) {
            Ok(()) => Response::ok(body),
            Err(error) => Response::text_error(vec![format!("{error:?}")], None),
        }
    }
    pub fn typed_error<E: Serialize>(
        codec: Codec,
        _: &'static MethodSpec,
        error: &E,
        message: String,
    ) -> Response {
        let mut body = Vec::new();
        let typed = encode(codec, error, &mut body).is_ok().then_some(body);
        Response(Err(Failure {
            typed,
            chain: vec![message],
            relayed: None,
        }))
    }
    pub fn text_error(chain: Vec<String>, relayed: Option<Code>) -> Response {
        Response(Err(Failure {
            typed: None,
            chain,
            relayed,
        }))
    }
    #[allow(clippy::needless_pass_by_value)]
    pub fn invalid_argument(error: DecodeError) -> Response {
        Response::text_error(vec![error.to_string()], None)
    }
    pub fn unknown_method() -> Response {
        Response::text_error(vec!["unknown method".into()], None)
    }
}
