//! What a client knows of each instance, for people and tools.

use super::snapshot::{MemberView, State};

/// What a client knows of one instance; of [`Channel::instances`](crate::Channel::instances).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceStatus {
    /// The name by which the registry knows it.
    pub name: String,
    /// Whether it can be called.
    pub state: InstanceState,
    /// It keeps failing, and is left out for a while unless there is nobody else.
    pub ejected: bool,
    /// Why the last dial or connection failed, while that is not over.
    pub trouble: Option<String>,
}

/// Whether an instance can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InstanceState {
    /// By so many connections.
    Connected(usize),
    /// A dial is under way, or follows in a moment.
    Dialling,
    /// It was not reached, or not yet met through the proxy; it is tried again later.
    NotReached,
    /// It is not in this client's [`subset`](super::super::balance::Balancing::subset).
    Outside,
}

impl<C> From<&MemberView<C>> for InstanceStatus {
    fn from(member: &MemberView<C>) -> Self {
        let state = match &member.state {
            State::Connected(connections) => InstanceState::Connected(connections.len()),
            State::Dialling => InstanceState::Dialling,
            State::BackingOff => InstanceState::NotReached,
            State::Outside => InstanceState::Outside,
        };
        Self {
            name: member.name.to_string(),
            state,
            ejected: member.ejected,
            trouble: member.trouble.as_ref().map(ToString::to_string),
        }
    }
}
