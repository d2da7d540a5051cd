//! The built-in contract `meshrpc.describe`: what an instance serves, for programs that were not
//! built with its contracts.

use serde::{Deserialize, Serialize};

use super::spec::{MethodSpec, ServiceSpec};

/// `meshrpc.describe`, with the one method `contracts() -> Vec<ContractDescription>`.
pub static DESCRIBE: ServiceSpec = ServiceSpec {
    name: "meshrpc.describe",
    methods: &METHODS,
};
static METHODS: [MethodSpec; 1] = [MethodSpec::unary("contracts", CONTRACTS, &[], |schema| {
    schema.reply::<Vec<ContractDescription>>();
})
.idempotent()];

/// First eight bytes of SHA-256 of `meshrpc.describe/contracts`.
const CONTRACTS: u64 = 0x5d1f_2243_ec67_35be;

/// A contract that an instance serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractDescription {
    /// Wire name.
    pub name: String,
    /// Its methods, in the order of the trait.
    pub methods: Vec<MethodDescription>,
}

/// A method of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodDescription {
    /// Wire name.
    pub name: String,
    /// Wire names of the arguments, in order.
    pub arguments: Vec<String>,
    /// One message each way: it can be called with a JSON body.
    pub unary: bool,
    /// It may be called again when it may have run.
    pub idempotent: bool,
}

impl ServiceSpec {
    /// The contract for people and programs that do not have it.
    pub fn describe(&self) -> ContractDescription {
        let describe = |method: &MethodSpec| MethodDescription {
            name: method.name.to_owned(),
            arguments: method
                .arguments
                .iter()
                .map(|&name| name.to_owned())
                .collect(),
            unary: method.kind == crate::wire::CallKind::Unary,
            idempotent: method.idempotent,
        };
        let methods = self.methods.iter().map(describe).collect();
        ContractDescription {
            name: self.name.to_owned(),
            methods,
        }
    }
}
