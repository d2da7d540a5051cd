//! STAND-IN, deleted on merge.

use crate::{client::Channel, contract::ServiceSpec};

#[derive(Clone, Debug)]
pub struct Mesh;
impl Mesh {
    pub fn channel(&self, _: &str, _: &'static ServiceSpec) -> Channel {
        Channel::nowhere()
    }
}
