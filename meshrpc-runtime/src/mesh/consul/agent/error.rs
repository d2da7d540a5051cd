use std::{fmt, time::Duration};

use crate::error::{Code, Error, Kind};

/// Why a Consul agent did not do what it was asked.
///
/// The message names the request and the agent; it never holds a token.
#[derive(Debug)]
pub struct AgentError {
    /// What was asked for, such as `registering greeter-1`.
    pub(super) request: String,
    /// The agent's address.
    pub(super) agent: String,
    pub(super) trouble: Trouble,
}

/// What went wrong between this process and a Consul agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// Nobody answers at the agent's address, or the connection was lost.
    Unreachable {
        /// What the system says.
        reason: String,
    },
    /// The agent took longer than it may.
    TimedOut {
        /// The time it had.
        after: Duration,
    },
    /// The token is missing, unknown, or not enough.
    Denied {
        /// What the token has to allow, such as `service:write on greeter`.
        permission: String,
        /// What the agent says.
        text: String,
    },
    /// The agent's servers cannot be reached, or have no leader at the moment.
    NoLeader {
        /// What the agent says.
        text: String,
    },
    /// This agent, by its version, edition or configuration, cannot do that.
    Unsupported {
        /// What the agent says.
        text: String,
    },
    /// The agent does not know the service or check that was named.
    Unknown {
        /// What the agent says.
        text: String,
    },
    /// The agent has as many connections or requests as it takes.
    Busy {
        /// What the agent says.
        text: String,
    },
    /// The agent refuses for another reason.
    Refused {
        /// Its HTTP status.
        status: u16,
        /// What it says.
        text: String,
    },
    /// What came back is no answer of a Consul agent, or too large for one.
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// The request cannot be made as this process is configured, or no more.
    Local {
        /// Why.
        reason: String,
    },
}

impl AgentError {
    /// What went wrong.
    pub fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// Whether the same request may succeed later without anybody changing a configuration.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.trouble,
            Trouble::Unreachable { .. }
                | Trouble::TimedOut { .. }
                | Trouble::NoLeader { .. }
                | Trouble::Busy { .. }
        )
    }

    /// Whether the agent does not know what was named.
    pub fn is_unknown(&self) -> bool {
        matches!(self.trouble, Trouble::Unknown { .. })
    }

    /// Whether the token is missing, unknown or not enough.
    pub fn is_denied(&self) -> bool {
        matches!(self.trouble, Trouble::Denied { .. })
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            request,
            agent,
            trouble,
        } = self;
        match trouble {
            Trouble::Unreachable { reason } => {
                write!(
                    f,
                    "{request}: the Consul agent at {agent} cannot be reached: {reason}"
                )
            }
            Trouble::TimedOut { after } => {
                write!(
                    f,
                    "{request}: no answer from the Consul agent at {agent} within {after:?}"
                )
            }
            Trouble::Denied { permission, text } => write!(
                f,
                "{request}: the Consul agent at {agent} denies it ({text}): it takes a token with \
                 {permission}, in the file that MESHRPC_TOKEN_FILE names"
            ),
            Trouble::NoLeader { text } => write!(
                f,
                "{request}: the Consul agent at {agent} has no servers to ask at the moment \
                 ({text})"
            ),
            Trouble::Unsupported { text } => {
                write!(
                    f,
                    "{request}: the Consul agent at {agent} cannot do that: {text}"
                )
            }
            Trouble::Unknown { text } => {
                write!(
                    f,
                    "{request}: the Consul agent at {agent} does not know it: {text}"
                )
            }
            Trouble::Busy { text } => {
                write!(f, "{request}: the Consul agent at {agent} is busy: {text}")
            }
            Trouble::Refused { status, text } => {
                write!(
                    f,
                    "{request}: the Consul agent at {agent} refuses: {status} {text}"
                )
            }
            Trouble::Malformed { reason } => {
                write!(
                    f,
                    "{request}: what answers at {agent} is no Consul agent: {reason}"
                )
            }
            Trouble::Local { reason } => write!(f, "{request}: {reason}"),
        }
    }
}

impl std::error::Error for AgentError {}

impl From<AgentError> for Error {
    fn from(error: AgentError) -> Error {
        let (kind, code) = match &error.trouble {
            Trouble::Unreachable { .. }
            | Trouble::TimedOut { .. }
            | Trouble::NoLeader { .. }
            | Trouble::Busy { .. } => (Kind::Unavailable, Code::Unavailable),
            Trouble::Denied { .. } => (Kind::Denied, Code::PermissionDenied),
            Trouble::Unsupported { .. } => (Kind::Unavailable, Code::Unimplemented),
            Trouble::Unknown { .. } => (Kind::Unavailable, Code::NotFound),
            Trouble::Refused { .. } | Trouble::Local { .. } => {
                (Kind::Unavailable, Code::FailedPrecondition)
            }
            Trouble::Malformed { .. } => (Kind::Unavailable, Code::Internal),
        };
        Error::new(kind, error.to_string()).with_code(code)
    }
}
