//! What the generator makes of a greeter.

use meshrpc_templates::{Header, Service};
use syn::ItemTrait;

fn greeter() -> Service {
    let item: ItemTrait = syn::parse_quote! {
        /// Greets people.
        #[mesh_service(name = "acme.greeter")]
        pub trait Greeter {
            /// Greets `name`.
            async fn greet(&self, name: &str) -> anyhow::Result<String>;

            /// Sends every card to each of its recipients.
            #[mesh(idempotent, deadline = "500ms", sticky = account)]
            async fn send(
                &self,
                account: u64,
                cards: &[(&str, Card)],
                note: Option<&str>,
                by: impl Into<String>,
            ) -> Result<Vec<Receipt>, GreeterError>;

            /// Only where postcards are.
            #[cfg(feature = "postcards")]
            async fn postcard(&self) -> anyhow::Result<()>;

            /// Its name.
            #[mesh(local)]
            fn label(&self) -> &'static str {
                "greeter"
            }
        }
    };
    Service::find(&item)
        .expect("it can be served")
        .expect("the attribute is there")
}

#[test]
fn handler_file() {
    let [handler, _] = greeter().files("greeter.rs");
    insta::assert_snapshot!(handler.text);
}

#[test]
fn client_file() {
    let [_, client] = greeter().files("greeter.rs");
    insta::assert_snapshot!(client.text);
}

#[test]
fn in_place() {
    let file: syn::File = syn::parse2(greeter().in_place()).expect("it is Rust");
    insta::assert_snapshot!(prettyplease::unparse(&file));
}

/// Methods that are no `async fn`.
#[test]
fn styles_file() {
    let item: ItemTrait = syn::parse_quote! {
        /// Keeps pages.
        #[mesh_service]
        pub trait Archive {
            /// Waits.
            fn flush(&self, upto: u64) -> Result<(), Box<dyn Error>>;

            /// Holds nothing.
            fn page(&self, channel: &str, by: impl Into<String>)
                -> impl Future<Output = anyhow::Result<String>> + 'static;

            /// Holds the archive.
            fn find(&self, title: Option<&str>) -> BoxFuture<'_, anyhow::Result<u64>>;
        }
    };
    let archive = Service::find(&item)
        .expect("it can be served")
        .expect("the attribute is there");
    let [handler, client] = archive.files("archive.rs");
    insta::assert_snapshot!(format!("{}\n{}", handler.text, client.text));
}

#[test]
fn a_header_tells_whether_the_file_was_edited() {
    let [handler, _] = greeter().files("greeter.rs");
    let header = Header::read(&handler.text).expect("it has one");
    assert_eq!(header.fingerprint, greeter().fingerprint());
    assert!(!header.is_edited(&handler.text));

    let windows = handler.text.replace('\n', "\r\n");
    let header = Header::read(&windows).expect("it has one");
    assert!(!header.is_edited(&windows), "line ends are not an edit");
    let edited = handler.text.replace("account", "accounts");
    assert!(header.is_edited(&edited));
    assert!(Header::read("// by hand\n").is_none());
}

#[test]
fn a_fingerprint_is_of_what_the_files_depend_on() {
    let of = |text: &str| {
        let item: ItemTrait = syn::parse_str(text).expect("it is Rust");
        Service::find(&item)
            .expect("it can be served")
            .expect("the attribute")
            .fingerprint()
    };
    let first = of("#[mesh_service] trait A { async fn f(&self, a: u8) -> Result<u8, E>; }");
    let same = [
        "#[mesh_service]\n/// Docs.\ntrait A {\n/** docs */ async fn f(\n&self,\na: u8,\n) -> Result<u8, E>; }",
        "#[meshrpc::mesh_service] #[derive_mock] trait A { #[doc = \"x\"] async fn f(&self, a: u8) -> Result<u8, E>; }",
    ];
    for text in same {
        assert_eq!(of(text), first, "{text}");
    }
    let other = [
        "#[mesh_service] trait A { async fn f(&self, b: u8) -> Result<u8, E>; }",
        "#[mesh_service] trait A { async fn f(&self, a: u8) -> Result<u8, F>; }",
        "#[mesh_service(name = \"b\")] trait A { async fn f(&self, a: u8) -> Result<u8, E>; }",
        "#[mesh_service] trait A { #[mesh(idempotent)] async fn f(&self, a: u8) -> Result<u8, E>; }",
        "#[mesh_service] #[async_trait] trait A { async fn f(&self, a: u8) -> Result<u8, E>; }",
        "#[mesh_service] pub trait A { async fn f(&self, a: u8) -> Result<u8, E>; }",
    ];
    for text in other {
        assert_ne!(of(text), first, "{text}");
    }
}

/// Methods without results, and what does not cross.
#[test]
fn a_condition_of_async_trait_is_settled_before_the_attribute_is_called() {
    let of = |attribute: &str| {
        let source = format!(
            "#[mesh_service] {attribute} trait A {{ async fn f(&self) -> Result<u8, E>; }}"
        );
        let item: ItemTrait = syn::parse_str(&source).expect("it is Rust");
        let found = Service::find(&item).expect("it can be served");
        found.expect("the attribute is there").fingerprint()
    };
    let in_the_file = of("#[cfg_attr(unix, async_trait)]");
    let in_the_attribute = of("#[async_trait]");
    assert_eq!(in_the_file, in_the_attribute);
}

fn till() -> Service {
    let item: ItemTrait = syn::parse_quote! {
        /// Takes money.
        #[mesh_service(on_failure = default)]
        pub trait Till {
            /// How much there is.
            #[mesh(with = crate::wire::money)]
            async fn total(&self, #[mesh(skip = &SystemClock)] clock: &dyn Clock) -> Money;

            /// Takes some more.
            #[mesh(on_failure = panic)]
            async fn take(&self, #[mesh(with = crate::wire::money)] sum: &Money, note: String);

            /// What is written on it.
            #[mesh(local = "till")]
            fn label(&self) -> &str;
        }
    };
    Service::find(&item)
        .expect("it can be served")
        .expect("the attribute is there")
}

#[test]
fn file_of_what_does_not_cross() {
    let [handler, client] = till().files("till.rs");
    insta::assert_snapshot!(format!("{}\n{}", handler.text, client.text));
}
