use std::time::Duration;

use super::agent::AgentError;
use crate::error::{Code, Error, Kind};

/// Why a service could not be started, connected or stopped through Consul.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsulError {
    /// The agent could not be asked, or refuses.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// A name, a template or a command cannot be what it is.
    #[error("{0}")]
    Invalid(String),
    /// This process has registered no such service.
    #[error("{service}: this process has registered no such service")]
    NotOwned {
        /// What was named.
        service: String,
    },
    /// What was asked for does not go with what there is.
    #[error("{service}: {reason}")]
    InvalidState {
        /// The service.
        service: String,
        /// Why not.
        reason: String,
    },
    /// There is no port for a proxy.
    #[error("{service}: no port for its sidecar: {reason}")]
    NoPort {
        /// The service.
        service: String,
        /// What the system says.
        reason: String,
    },
    /// It was registered, did not come alive in time, and was removed again.
    #[error("{service}: not alive after {waited:?}: {reason}")]
    NotAlive {
        /// The service.
        service: String,
        /// How long it was waited for.
        waited: Duration,
        /// What was missing.
        reason: String,
    },
}

impl From<ConsulError> for Error {
    fn from(error: ConsulError) -> Error {
        let code = match error {
            ConsulError::Agent(error) => return error.into(),
            ConsulError::Invalid(_) => Code::InvalidArgument,
            ConsulError::NotOwned { .. } => Code::NotFound,
            ConsulError::InvalidState { .. } => Code::FailedPrecondition,
            ConsulError::NoPort { .. } => Code::ResourceExhausted,
            ConsulError::NotAlive { .. } => Code::Unavailable,
        };
        Error::new(Kind::Unavailable, error.to_string()).with_code(code)
    }
}
