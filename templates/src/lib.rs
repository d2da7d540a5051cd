//! The trait model of meshrpc, its checks, and everything generated from it.
//!
//! One generator with two outputs: `#[mesh_service]` expands in place, and `cargo meshrpc expose`
//! writes files that read as if a person had written them. Both begin with [`Service::parse`]:
//!
//! ```
//! use meshrpc_templates::Service;
//!
//! let greeter = syn::parse_quote! {
//!     #[mesh_service(name = "acme.greeter")]
//!     pub trait Greeter {
//!         async fn greet(&self, name: &str) -> anyhow::Result<String>;
//!     }
//! };
//! let service = Service::find(&greeter)?.expect("the attribute is there");
//! let [handler, client] = service.files("src/greeter.rs");
//! assert_eq!(handler.name, "greeter_handler_gen.rs");
//! assert!(client.text.contains("pub struct GreeterClient"));
//! # Ok::<(), syn::Error>(())
//! ```
//!
//! What cannot be served is a [`syn::Error`] at the token that is in the way, which says what to
//! write instead.
//!
//! # Layout
//!
//! - `model`: a trait as a contract, parsed
//! - `check`: what is refused, and in which words
//! - `generate`: client, handler and contract from the model, in place or as files
//! - `build`: the same in a build script
//! - [`source`]: the traits of a crate, found in its source
//! - `error`: `#[derive(MeshError)]`

mod build;
mod check;
mod error;
mod generate;
mod model;
pub mod source;

pub use build::{build, build_from, out_folder};
pub use error::derive_error;
pub use generate::{File, Header};
pub use model::{Exposed, Options, Service};
