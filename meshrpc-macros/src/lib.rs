//! The attribute [`mesh_service`](macro@mesh_service) and the derive [`MeshError`]: a thin shell over
//! `meshrpc-templates`, where the model, the checks and the generator are. Programs use them as
//! `meshrpc::mesh_service` and `meshrpc::MeshError`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use meshrpc_templates::{Header, Service, source};
use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemTrait;

/// Makes a trait a contract: the same trait can be served by another process.
///
/// ```
/// use meshrpc::{Mesh, Server, mesh_service};
///
/// #[mesh_service]
/// pub trait Greeter {
///     async fn greet(&self, name: &str) -> anyhow::Result<String>;
/// }
/// # struct Polite;
/// # impl Greeter for Polite {
/// #     async fn greet(&self, name: &str) -> anyhow::Result<String> {
/// #         Ok(format!("Hello, {name}!"))
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anyhow::Result<()> {
/// # let mesh = Mesh::in_process();
/// let server = Server::builder().service(GreeterHandler::new(Polite)).build();
/// let serving = mesh.serve("greeter", server).await?;
/// let greeter = GreeterClient::connect(&mesh, "greeter");
/// assert_eq!(greeter.greet("Max").await?, "Hello, Max!");
/// # drop(serving);
/// # Ok(())
/// # }
/// ```
///
/// Beside the trait stand then `GreeterClient`, which implements it by calling another process,
/// `GreeterHandler`, which serves any implementation of it, and `GREETER`, the contract.
///
/// A method returns a `Result` whose error can hold a failed call.
/// Arguments may be borrowed. Whatever cannot be served is an error at its own place, which says
/// what to write instead. This attribute stands above those that change the trait, such as
/// `#[async_trait]` and `#[automock]`.
///
/// # Async and not
///
/// ```
/// use std::{future::Future, pin::Pin};
///
/// #[meshrpc::mesh_service]
/// pub trait Archive {
///     /// Implementations write `async fn`; their futures have to be `Send`.
///     async fn page(&self, number: u64) -> anyhow::Result<String>;
///
///     /// Written out. `Send` is added if it is not there.
///     fn pages(&self) -> impl Future<Output = anyhow::Result<u64>>;
///
///     /// Boxed, or `BoxFuture<'_, …>`. It holds what its lifetime says: here nothing of `title`,
///     /// which the client copies.
///     fn find(
///         &self,
///         title: &str,
///     ) -> Pin<Box<dyn Future<Output = anyhow::Result<u64>> + Send + '_>>;
///
///     /// Not async: the caller's thread waits, on a runtime or off it, and the implementation may
///     /// block. A trait with only such methods needs no runtime anywhere.
///     fn flush(&self) -> anyhow::Result<()>;
/// }
/// ```
///
/// How threads wait, and what becomes of a method whose caller has gone, is told in
/// `docs/sync-traits.md`.
///
/// # On the trait
///
/// `name` is the wire name of the contract, instead of the trait's own. `crate` is where the library
/// `meshrpc` is found, if not under that name.
///
/// ```
/// mod rpc {
///     pub use meshrpc::*;
/// }
///
/// #[rpc::mesh_service(name = "acme.greeter", crate = crate::rpc)]
/// pub trait Greeter {
///     async fn greet(&self, name: &str) -> anyhow::Result<String>;
/// }
/// # fn main() { assert_eq!(GREETER.name, "acme.greeter"); }
/// ```
///
/// ## Types that the trait leaves open
///
/// `types` names associated types, `generics` parameters; one with a default need not be named, and
/// lifetimes are not. The client implements the trait with these types, and the handler serves any
/// implementation that has them. One attribute makes one contract: a generic trait that is to be
/// served with other types too gets a second trait, with a name of its own.
///
/// ```
/// # use meshrpc::mesh_service;
/// # type Row = (u64, String);
/// #[mesh_service(types(Error = std::io::Error), generics(T = Row, const N = 16))]
/// pub trait Store<T: Clone + Send + Sync, const N: usize> {
///     type Error;
///     async fn put(&self, row: &T) -> Result<(), Self::Error>;
///     async fn first(&self) -> Result<Vec<T>, Self::Error>;
///     async fn by_hash(&self, hash: [u8; N]) -> Result<Option<T>, Self::Error>;
/// }
///
/// fn is_store<S: Store<Row, 16, Error = std::io::Error>>() {}
/// # fn main() {
/// is_store::<StoreClient>();
/// # }
/// ```
///
/// ## Trait objects
///
/// A trait with async methods has no objects. With `dyn` there is `DynGreeter`, which every
/// implementation has, and whose objects implement the trait; so do `Arc`, `Box` and `&` of any
/// implementation, unless they are left to you with `dyn(forward = false)`. Where a method takes
/// `&mut self` it is `Box` and `&mut`, and where one takes `self: Arc<Self>` it is `Arc` alone. A
/// generic method that stays local is answered by its body, and `impl Trait` arguments by what they
/// are converted to. A trait that has objects by itself, by `#[async_trait]` or since nothing in it
/// is async, needs none of this: a handler and `Arc<dyn Trait>` go together as they are.
///
/// ```
/// # use std::sync::Arc;
/// # use meshrpc::mesh_service;
/// #[mesh_service(dyn)]
/// pub trait Greeter {
///     async fn greet(&self, name: &str) -> anyhow::Result<String>;
/// }
/// # struct Polite;
/// # impl Greeter for Polite {
/// #     async fn greet(&self, name: &str) -> anyhow::Result<String> {
/// #         Ok(format!("Hello, {name}!"))
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anyhow::Result<()> {
/// let greeter: Arc<dyn DynGreeter> = Arc::new(Polite);
/// assert_eq!(greeter.greet("Max").await?, "Hello, Max!");
/// let handler = GreeterHandler::shared(greeter);
/// # drop(handler);
/// # Ok(())
/// # }
/// ```
///
/// ## Supertraits
///
/// The client is `Clone`, `Debug`, `Send`, `Sync`, `Unpin` and `'static`, so a trait may ask for these.
/// Any other supertrait is yours to implement for the client, which `supertraits = manual` says you
/// do. One that is a contract itself is called by its own client, over the same connections:
///
/// ```
/// # use meshrpc::mesh_service;
/// use meshrpc::Client;
///
/// #[mesh_service]
/// pub trait Health {
///     async fn alive(&self) -> anyhow::Result<bool>;
/// }
///
/// #[mesh_service(supertraits = manual)]
/// pub trait Admin: Health {
///     async fn restart(&self) -> anyhow::Result<()>;
/// }
///
/// impl Health for AdminClient {
///     async fn alive(&self) -> anyhow::Result<bool> {
///         Client::sibling::<HealthClient>(self).alive().await
///     }
/// }
/// # fn main() {}
/// ```
///
/// The server has to serve both: `AdminHandler::shared(machine.clone())` and
/// `HealthHandler::shared(machine)`.
///
/// ## Generated files
///
/// With `exposed` the code stands in files beside the source, written by `cargo meshrpc expose` and
/// committed, instead of being made in place; `prefix` begins their names. With `exposed(out_dir)` a
/// build script writes them, by `meshrpc_templates::build()`. A file that is missing or out of date is
/// one error, which names the command.
///
/// ```compile_fail
/// #[meshrpc::mesh_service(exposed(prefix = "p"))]
/// pub trait Greeter {
///     async fn greet(&self, name: &str) -> anyhow::Result<String>;
/// }
/// ```
///
/// # How a method takes the service
///
/// By `&self`, `&mut self` or `self: Arc<Self>`. With a `&mut self` among its methods a service is kept
/// behind a lock, writers one at a time and readers beside each other, and its handler has no
/// `shared`.
///
/// ```
/// # use meshrpc::mesh_service;
/// #[mesh_service]
/// pub trait Till {
///     async fn put(&mut self, cents: u64) -> anyhow::Result<()>;
///     async fn total(&self) -> anyhow::Result<u64>;
/// }
/// ```
///
/// Methods with a body are remote all the same, since the service may have another. What has a body
/// and no `self`, has type parameters, or asks for `Self: Sized`, stays local.
///
/// # On a method
///
/// ```
/// # use meshrpc::mesh_service;
/// #[mesh_service]
/// pub trait Accounts {
///     /// May be called again when it may have run.
///     #[mesh(idempotent)]
///     async fn balance(&self, account: u64) -> anyhow::Result<i64>;
///
///     /// A call takes no longer than this: `ms`, `s`, `m` or `h`; `"none"` is for ever.
///     #[mesh(deadline = "500ms")]
///     async fn rates(&self) -> anyhow::Result<Vec<(String, f64)>>;
///
///     /// Calls with the same account go to the same instance.
///     #[mesh(sticky = account)]
///     async fn charge(&self, account: u64, cents: u64) -> anyhow::Result<()>;
///
///     /// Keeps its wire name, whatever it is called in Rust.
///     #[mesh(name = "close")]
///     async fn close_account(&self, account: u64) -> anyhow::Result<()>;
///
///     /// Answered by its body, at the caller.
///     #[mesh(local)]
///     fn currency(&self) -> &'static str {
///         "EUR"
///     }
/// }
/// ```
///
/// What cannot cross as it is:
///
/// - `#[mesh(on_failure = default)]`, `panic`, or a function from `meshrpc::Error`: what a method
///   without a `Result` gives when the call fails. `on_failure` on the trait goes for all of them. A
///   function will do for a `Result` too, if its error cannot hold a failed call.
/// - `#[mesh(local = expression)]`: the client's own answer, of which `self` is the client.
/// - `#[mesh(skip = expression)]` on an argument: it is not sent, and the handler passes this value.
/// - `#[mesh(with = module)]` on an argument, or on a method for what it succeeds with: it crosses as
///   what `module::to_wire(&T) -> W` makes of it, and `module::from_wire(W) -> Result<T, E>` makes it
///   again. `W` is a serde type, `E` can be shown.
///
/// What is large:
///
/// - `#[mesh(raw)]` on an argument that is `Bytes`, `Vec<u8>` or `&[u8]`, or on a method that returns
///   `Bytes` or `Vec<u8>`, as the `Ok` of a `Result` or where `on_failure` is given: from 16 KiB on it
///   is not copied to be written, nor to be read. The bytes that cross are the same, so a peer may
///   say it or not. `docs/streams.md` tells what it saves.
#[proc_macro_attribute]
pub fn mesh_service(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand(options.into(), &item.into()).into()
}

/// Makes an error cross variant by variant, so that `match` goes on working at the caller.
///
/// ```
/// use meshrpc::{MeshError, mesh_service};
///
/// #[derive(Debug, thiserror::Error, MeshError)]
/// pub enum StoreError {
///     #[error("there is no page {0}")]
///     #[mesh(status = not_found)]
///     NoPage(u64),
///     #[error("the disk failed")]
///     Disk(#[from] std::io::Error),
///     #[error(transparent)]
///     #[mesh(transport)]
///     Mesh(meshrpc::Error),
/// }
///
/// #[mesh_service]
/// pub trait Store {
///     async fn page(&self, number: u64) -> Result<String, StoreError>;
/// }
/// # fn main() {}
/// ```
///
/// It asks nothing of the fields. One whose type implements serde's traits, or has this derive,
/// crosses as a value. Of any other field its message and sources cross, and it is made again from
/// these: an `io::Error` with its kind, an `anyhow::Error`, a `Box<dyn Error + Send + Sync>`, or
/// whatever has `From<meshrpc::Error>`, `From<Box<dyn Error + Send + Sync>>` or `From<io::Error>`. A
/// variant with a field that cannot be made again arrives as the variant marked `fallback`. A type
/// that implements serde's traits itself crosses as these say.
///
/// # On a variant
///
/// - `transport`: receives calls that failed. It has one field, a `meshrpc::Error` or what can be
///   made from one. Without it the type needs `From<meshrpc::Error>`, or another of the conversions
///   above.
/// - `fallback`: receives what cannot be rebuilt: a variant that this program does not know, or one
///   that crosses as text. Without it that is the `transport` variant.
/// - `status = not_found`: the code that the caller of a gateway, metrics and programs in other
///   languages see; one of the sixteen of `meshrpc::Code`, in lower case.
/// - `name = "…"`: its wire name, if it is not its own.
///
/// A struct takes `status`; every type takes `crate`, as the attribute of a trait does.
#[proc_macro_derive(MeshError, attributes(mesh))]
pub fn mesh_error(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match syn::parse(item) {
        Ok(input) => meshrpc_templates::derive_error(&input).into(),
        Err(error) => error.into_compile_error().into(),
    }
}

fn expand(options: TokenStream, item: &TokenStream) -> TokenStream {
    let item: ItemTrait = match syn::parse2(item.clone()) {
        Ok(item) => item,
        Err(error) => {
            // Another item, or a trait that does not parse, which the compiler reports as well.
            let error = match syn::parse2::<syn::Item>(item.clone()) {
                Ok(_) => syn::Error::new(
                    proc_macro2::Span::call_site(),
                    "only a trait can be served: write `#[mesh_service]` above one",
                ),
                Err(_) => error,
            };
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };
    let service = match Service::parse(options.clone(), &item) {
        Ok(service) => service,
        Err(error) => {
            let stubs = Service::refused(options, &item);
            let error = error.into_compile_error();
            return quote!(#stubs #error);
        }
    };
    let Some(exposed) = &service.options.exposed else {
        return service.in_place();
    };
    // Without a file, as an IDE may answer, the assertion beside each include has the last word.
    let source = service.ident().span().unwrap().local_file();
    let folder = match (&source, exposed.out_dir) {
        (Some(source), true) => meshrpc_templates::out_folder(source).ok(),
        (None, true) => return service.in_place(),
        (_, false) => Some(PathBuf::new()),
    };
    let wrong = source.and_then(|source| wrong(&service, &source, folder.as_deref()));
    match (wrong, folder) {
        (None, Some(folder)) => service.included(&folder),
        // With the code in place, this is the only error.
        (wrong, _) => {
            let error = wrong
                .map(|words| syn::Error::new(service.ident().span(), words).into_compile_error());
            let code = service.in_place();
            quote!(#code #error)
        }
    }
}

/// What is wrong with the generated files in `folder`, if anything is.
fn wrong(service: &Service, source: &Path, folder: Option<&Path>) -> Option<String> {
    let out_dir = service.options.exposed.as_ref()?.out_dir;
    for file in service.file_names() {
        let path = folder.map(|folder| source.with_file_name("").join(folder).join(&file));
        match path.and_then(|path| fs::read_to_string(path).ok()) {
            Some(text) => match Header::read(&text) {
                Some(header) if header.fingerprint == service.fingerprint() => {}
                Some(_) => return Some(service.stale_message(&file)),
                None => {
                    return Some(format!(
                        "`{file}` was not generated by `cargo meshrpc expose`: move it away and run that"
                    ));
                }
            },
            None => {
                let text = fs::read_to_string(source).unwrap_or_default();
                let hidden = source::why_not_found(&text, service.ident());
                let place = match out_dir {
                    true => "of a build script for this trait",
                    false => "beside this trait",
                };
                return Some(match hidden {
                    Some(words) => words.to_owned(),
                    None => format!("there is no `{file}` {place}: {}", service.remedy()),
                });
            }
        }
    }
    None
}
