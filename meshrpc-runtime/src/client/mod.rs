//! STAND-IN, deleted on merge: the client's signatures over a loop-back.

use std::{fmt, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use crate::{
    codec::{ArgsWriter, EncodeError, decode},
    contract::MethodSpec,
    error::{Code, Error, Kind, Started},
    server::{Failure, Handler, Request, Response},
    wire::Codec,
};

#[derive(Clone)]
pub struct Channel {
    handler: Option<Arc<dyn Handler>>,
    call: Call,
}
impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channel")
    }
}
impl Channel {
    pub fn loop_back(handler: impl Handler) -> Self {
        Self {
            handler: Some(Arc::new(handler)),
            call: Call::new(),
        }
    }
    /// Where no call arrives.
    pub fn nowhere() -> Self {
        Self {
            handler: None,
            call: Call::new(),
        }
    }
    pub fn with(&self, call: Call) -> Channel {
        Self {
            handler: self.handler.clone(),
            call,
        }
    }
    pub fn call(&self, method: &'static MethodSpec) -> Outgoing<'_> {
        Outgoing {
            channel: self,
            method,
            session: None,
        }
    }
    pub async fn wait_ready(&self) -> Result<(), Error> {
        Ok(())
    }
    pub async fn wait_ready_all(&self) -> Result<(), Error> {
        Ok(())
    }
}

pub struct Outgoing<'a> {
    channel: &'a Channel,
    method: &'static MethodSpec,
    session: Option<String>,
}
impl Outgoing<'_> {
    pub fn session(mut self, key: impl SessionKey) -> Self {
        self.session = Some(key.session_key());
        self
    }
    pub async fn unary<F>(self, mut encode: F) -> Result<Answer, Error>
    where
        F: FnMut(&mut ArgsWriter<'_>) -> Result<(), EncodeError> + Send,
    {
        let mut body = Vec::new();
        let mut args = ArgsWriter::new(Codec::Positional, self.method, &mut body);
        encode(&mut args)
            .and_then(|()| args.finish())
            .map_err(|e| Error::new(Kind::Codec, format!("{e:?}")))?;
        let Some(handler) = &self.channel.handler else {
            return Err(Error::new(Kind::Unavailable, "no instance of `nowhere`"));
        };
        let _ = &self.channel.call;
        let session = self.session.clone();
        match handler
            .call(Request {
                method: self.method,
                body,
                session,
            })
            .await
            .0
        {
            Ok(value) => Ok(Answer::Value(Value(value))),
            Err(failure) => Ok(Answer::Failed(RemoteFailure(failure))),
        }
    }
}

pub enum Answer {
    Value(Value),
    Failed(RemoteFailure),
}
pub struct Value(Vec<u8>);
impl Value {
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        decode(Codec::Positional, &self.0).map_err(|e| Error::new(Kind::Codec, e.to_string()))
    }
}
pub struct RemoteFailure(Failure);
#[derive(Debug)]
struct Link(String, Option<Box<Link>>);
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Link {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|link| link as _)
    }
}
impl RemoteFailure {
    pub fn typed<E: DeserializeOwned>(&self) -> Option<Result<E, Error>> {
        self.0.typed.as_ref().map(|bytes| {
            decode(Codec::Positional, bytes).map_err(|e| Error::new(Kind::Codec, e.to_string()))
        })
    }
    pub fn into_error(self) -> Error {
        let mut chain = self.0.chain.into_iter();
        let message = chain.next().unwrap_or_default();
        let mut source = None;
        for message in chain.rev() {
            source = Some(Box::new(Link(message, source)));
        }
        let error = Error::new(Kind::Remote, message)
            .with_started(Started::Yes)
            .with_code(self.0.relayed.unwrap_or(Code::Unknown))
            .with_relayed(self.0.relayed.is_some());
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Call;
impl Call {
    pub fn new() -> Self {
        Self
    }
    pub fn deadline(self, _: Duration) -> Self {
        self
    }
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a session key",
    label = "not a session key",
    note = "`sticky` takes an integer, `str` or `String`"
)]
pub trait SessionKey {
    fn session_key(&self) -> String;
}
macro_rules! keys { ($($t:ty)*) => { $(impl SessionKey for $t { fn session_key(&self) -> String { self.to_string() } })* } }
keys! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize str String }
impl<T: SessionKey + ?Sized> SessionKey for &T {
    fn session_key(&self) -> String {
        (**self).session_key()
    }
}

impl Response {
    pub(crate) fn ok(body: Vec<u8>) -> Self {
        Self(Ok(body))
    }
}
