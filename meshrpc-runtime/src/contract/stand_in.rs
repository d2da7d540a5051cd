//! Stand-in for schema tracing: a fingerprint that is the method key.

use crate::{
    contract::{MethodSpec, ServiceSpec},
    wire::{Codec, ContractOffer, MethodOffer},
};

impl MethodSpec {
    /// Structural fingerprint.
    pub fn fingerprint(&self) -> u64 {
        self.key
    }

    /// What this side prefers.
    pub fn codec(&self) -> Codec {
        if self.is_demoted() { Codec::FieldNamed } else { Codec::Positional }
    }
}

impl ServiceSpec {
    /// What the hello says.
    pub fn offer(&self) -> ContractOffer {
        let methods: Vec<MethodOffer> = self
            .methods
            .iter()
            .map(|method| MethodOffer { key: method.key, fingerprint: method.fingerprint() })
            .collect();
        let fingerprint = methods.iter().fold(1, |sum: u64, method| sum.rotate_left(5) ^ method.key);
        ContractOffer { name: self.name.to_owned(), fingerprint, methods }
    }
}
