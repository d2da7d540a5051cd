//! What the compiler makes of the files.

use crate::project::{Project, TRAIT, manifest};

/// Traits that are not public, and names that generated code might take for its own.
const OTHERS: &str = r#"
use std::fmt::Result as Formatted;

pub type Result<T> = std::result::Result<T, String>;

#[meshrpc::mesh_service(exposed)]
trait Private {
    #[deprecated]
    async fn old(&self, service: u8, answer: &[&str]) -> Result<u8>;
}

#[meshrpc::mesh_service(exposed(prefix = "in"), name = "acme.inner")]
pub(crate) trait Inner: Clone + 'static {
    /// Has a default.
    #[mesh(deadline = "1m", sticky = request)]
    async fn call(&self, request: u64) -> Result<Vec<u8>> {
        Ok(vec![request as u8])
    }
}

pub mod deep {
    #[meshrpc::mesh_service(exposed)]
    pub(super) trait Deep {
        async fn dive(&self) -> super::Result<()>;
    }
}

#[meshrpc::mesh_service(exposed)]
pub trait Styles {
    /// Waits.
    fn wait(&self, channel: u8, name: &str) -> Result<u8>;
    /// Borrows nothing.
    fn detached(
        &self,
        channel: &str,
        session: Option<&std::path::Path>,
        by: impl Into<String>,
    ) -> impl Future<Output = Result<u8>> + Send + 'static;
    /// Borrows one.
    fn boxed<'a>(
        &'a self,
        held: &'a str,
        copied: std::borrow::Cow<'_, str>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<u8>> + Send + 'a>>;
}

pub struct Money(i64);

pub mod money {
    use super::Money;

    pub fn to_wire(money: &Money) -> i64 {
        money.0
    }

    pub fn from_wire(cents: i64) -> Result<Money, std::num::TryFromIntError> {
        Ok(Money(i64::from(u32::try_from(cents)?)))
    }
}

fn unknown(_: meshrpc::Error) -> u8 {
    0
}

#[meshrpc::mesh_service(exposed, on_failure = default)]
pub trait Till {
    #[mesh(with = money, on_failure = panic)]
    async fn total(&self, #[mesh(skip = &12)] at: &(dyn std::fmt::Debug + Sync)) -> Money;
    async fn take(&self, #[mesh(with = money)] sum: &Money, note: String);
    #[mesh(on_failure = unknown)]
    async fn count(&self) -> u8;
    #[mesh(local = "till")]
    fn label(&self) -> &str;
}

pub fn formatted() -> Formatted {
    Ok(())
}
"#;

#[test]
fn the_macro_takes_fresh_files_and_refuses_stale_ones_with_one_error() {
    let project = Project::new();
    project.put(
        "src/lib.rs",
        "#![deny(warnings, unused_qualifications)]\nmod others;\npub mod desk;\npub use others::{Till, TillClient, TillHandler, formatted};\npub use desk::{Greeter, GreeterClient, GreeterHandler, GREETER};\n",
    );
    project.put("src/others.rs", OTHERS);
    project.expose(&["--yes", "src/others.rs"]).ends_with(0);
    project.check().is_one_error(
        "there is no `greeter_handler_gen.rs` beside this trait: run `cargo meshrpc expose`",
    );
    project.expose(&["--yes"]).ends_with(0);
    project.check().ends_with(0);
    project.put(
        "src/desk.rs",
        &TRAIT.replace("name: &str", "name: &str, times: u8"),
    );
    project.check().is_one_error("`greeter_handler_gen.rs` was generated from another version of `Greeter`: run `cargo meshrpc expose`");
    project.expose(&["--yes"]).ends_with(0);
    project.check().ends_with(0);
}

#[test]
fn where_no_files_can_stand_the_error_says_so() {
    let project = Project::new();
    let inside = TRAIT.replace("pub trait", "trait");
    project.put("src/lib.rs", &format!("pub fn f() {{\n{inside}\n}}\n"));
    project
        .check()
        .is_one_error("files cannot be included inside a function");
    let made = format!(
        "macro_rules! make {{ ($name:ident) => {{ {} }} }}\nmake!(Greeter);\n",
        TRAIT.replace("Greeter", "$name")
    );
    project.put("src/lib.rs", &made);
    project
        .check()
        .is_one_error("a trait that a macro makes cannot be exposed");
}

#[test]
fn a_build_script_writes_the_files_below_its_out_dir() {
    let project = Project::new();
    let templates = concat!(env!("CARGO_MANIFEST_DIR"), "/../templates");
    let builds =
        format!("\n[build-dependencies]\nmeshrpc-templates = {{ path = {templates:?} }}\n");
    let out_dir = TRAIT.replace("(exposed)", "(exposed(out_dir))");
    project.put("Cargo.toml", &manifest("post", ""));
    project.put("src/lib.rs", "#![deny(warnings)]\npub mod desk;\n");
    project.put("src/desk.rs", &out_dir);
    project
        .check()
        .is_one_error("there is no `greeter_handler_gen.rs` of a build script for this trait: call `meshrpc_templates::build()` in `build.rs`");

    project.put("Cargo.toml", &manifest("post", &builds));
    project.put(
        "build.rs",
        "fn main() -> std::io::Result<()> { meshrpc_templates::build() }\n",
    );
    project.check().ends_with(0);
    // The script runs again when a module has changed, one that is new included.
    let other = out_dir.replace("Greeter", "Other");
    project.put(
        "src/desk.rs",
        &format!("pub mod drawer;\n{}", out_dir.replace("name", "who")),
    );
    project.put("src/desk/drawer.rs", &other);
    project.check().ends_with(0);
    project.put("src/desk/drawer.rs", &other.replace("name", "who"));
    project.check().ends_with(0);
    // The command leaves these traits to the script.
    project.expose(&["--check"]).ends_with(0);
    assert!(!project.path("src/greeter_client_gen.rs").exists());
}

/// A module whose own names are those of the prelude.
const HIDING: &str = r#"
#[derive(serde::Serialize, serde::Deserialize)]
pub struct String(pub u8);
pub struct Vec;
pub struct Box;
pub struct Arc;
pub struct Option;
pub struct Result;
pub trait Clone {}
pub trait Into {}
pub trait Send {}
pub trait Sync {}
pub trait ToOwned {}

#[meshrpc::mesh_service(exposed)]
pub trait Names {
    async fn greet(
        &self,
        name: &str,
        own: String,
        rows: &[(&str, u8)],
        by: impl std::convert::Into<std::string::String>,
    ) -> std::result::Result<String, std::string::String>;
    fn boxed<'a>(
        &'a self,
        held: &'a str,
    ) -> std::pin::Pin<std::boxed::Box<dyn Future<Output = std::result::Result<u8, std::string::String>> + std::marker::Send + 'a>>;
    #[mesh(on_failure = default)]
    async fn all(&mut self, own: &String) -> std::vec::Vec<u8>;
}
"#;

#[test]
fn files_beside_names_of_the_prelude_compile() {
    let project = Project::new();
    let serde = "serde = { version = \"1\", features = [\"derive\"] }\n";
    project.put("Cargo.toml", &manifest("post", serde));
    project.put("src/lib.rs", "#![deny(warnings)]\npub mod hiding;\n");
    project.put("src/hiding.rs", HIDING);
    project.expose(&["--yes"]).ends_with(0);
    project.check().ends_with(0);
}
