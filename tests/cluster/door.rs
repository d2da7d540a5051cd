//! Addresses of listeners in this process, in a form that a registry of processes takes.

use meshrpc::discovery::Address;

/// A listener, as a registry lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    /// The instance that it is said to be of.
    pub(crate) said: String,
    /// The instance that listens there.
    pub(crate) owner: String,
    number: u64,
}

impl Door {
    /// The door of `owner`, which listens at `address`.
    pub(crate) fn to(owner: &str, address: &Address) -> Self {
        let Address::InProcess(number) = *address else {
            panic!("{address} is not in this process");
        };
        Self {
            said: owner.to_owned(),
            owner: owner.to_owned(),
            number,
        }
    }

    /// Reads what [`address`](Self::address) has written.
    pub(crate) fn of(address: &Address) -> Self {
        let Address::Unix(path) = address else {
            panic!("{address} is no door");
        };
        let parts: Vec<String> = path
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        let [_, said, owner, number] = &parts[..] else {
            panic!("{address} is no door");
        };
        Self {
            said: said.clone(),
            owner: owner.clone(),
            number: number.parse().expect("a number"),
        }
    }

    /// The same door, said to be of another.
    pub(crate) fn said_of(self, said: &str) -> Self {
        Self {
            said: said.to_owned(),
            ..self
        }
    }

    /// For a registry.
    pub(crate) fn address(&self) -> Address {
        let Self {
            said,
            owner,
            number,
        } = self;
        Address::Unix(format!("/{said}/{owner}/{number}").into())
    }

    /// For a dial.
    pub(crate) fn listener(&self) -> Address {
        Address::InProcess(self.number)
    }
}
