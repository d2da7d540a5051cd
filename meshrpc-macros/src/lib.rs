//! The attribute `#[mesh_service]`.
