//! STAND-IN, deleted on merge.

use serde::de::DeserializeOwned;

#[derive(Debug, Default)]
#[allow(missing_docs)]
pub struct MethodSchema;
#[allow(missing_docs)]
impl MethodSchema {
    pub fn argument<T: DeserializeOwned>(&mut self) {}
    pub fn reply<T: DeserializeOwned>(&mut self) {}
    pub fn error<E: DeserializeOwned>(&mut self) {}
    pub fn error_text(&mut self) {}
}
