//! An error among the items of a stream.

use serde::{Deserialize, Serialize};

use crate::{
    client::{RemoteFailure, answer::Origin},
    error::{Code, Error},
    streaming::Received,
    wire::{Detail, Status},
};

/// An error that is an item of a stream, as message and sources: where its own type is no serde
/// type. The stream goes on after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemError {
    /// Messages, outermost first.
    pub chain: Vec<String>,
    /// The code of a failed call among its sources, which the callee passed on.
    pub relayed: Option<u8>,
}

impl ItemError {
    /// The error that the item `received` was.
    pub fn into_error(self, received: Option<&Received<'_>>) -> Error {
        let code = self.relayed.map_or(Code::Unknown, Code::from_wire);
        let message = self.chain.first().cloned().unwrap_or_default();
        let status = Status {
            relayed: self.relayed.is_some(),
            ..Status::application(code, message, Detail::Chain(self.chain))
        };
        let origin = Origin {
            instance: received.and_then(|received| received.instance.cloned()),
            attempts: 1,
        };
        RemoteFailure::new(Box::new(status), origin).into_error()
    }
}
