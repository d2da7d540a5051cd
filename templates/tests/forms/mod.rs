//! Traits of many forms, which the tests of generated files share.

use meshrpc_templates::Service;
use syn::ItemTrait;

/// The traits, as sources.
pub(crate) const SOURCES: [&str; 17] = [
    r#"
    #[mesh_service(exposed)]
    pub trait Feed {
        /// One.
        fn tail(&self, from: u64, topic: &str) -> impl Stream<Item = anyhow::Result<String>> + Send;
        fn captures(&self, count: u64) -> impl Stream<Item = anyhow::Result<u64>> + Send + use<Self>;
        fn boxed(&self, topic: &str) -> BoxStream<'static, Result<u64, String>>;
        async fn open(&self, topic: &str) -> Result<impl Stream<Item = Result<u64, String>> + Send + 'static, String>;
        async fn open_boxed(&self, topic: String) -> anyhow::Result<BoxStream<'static, anyhow::Result<Vec<u8>>>>;
        async fn sum(&self, first: u64, rows: impl Stream<Item = u64> + Send + 'static, last: &str) -> Result<String, String>;
        fn echo(&self, prefix: &str, words: impl Stream<Item = String> + Send + 'static) -> impl Stream<Item = Result<String, String>> + Send;
        async fn relay(&self, words: BoxStream<'static, String>) -> Result<impl Stream<Item = Result<String, String>> + Send + 'static, String>;
        #[mesh(oneway)]
        async fn cast(&self, line: &str);
        #[mesh(oneway)]
        fn casts(&self, line: &str) -> Result<(), String>;
        #[mesh(run_to_completion)]
        async fn charge(&self, line: &str) -> Result<u64, String>;
    }
    "#,
    r#"
    /// Greets people.
    ///
    /// In many languages.
    #[mesh_service(exposed, name = "acme.greeter")]
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
    "#,
    r#"
    #[mesh_service(exposed)]
    pub(crate) trait Wide: Clone + 'static {
        async fn a_method_with_quite_a_long_name(&self, first_argument: std::collections::HashMap<String, Vec<(u64, i128)>>, second: [u8; 32]) -> Result<std::collections::BTreeMap<String, Vec<Option<(String, u64)>>>, Box<dyn std::error::Error + Send + Sync>>;
        async fn just_too_wide_for_one_line(&self, argument: LongArgumentType) -> Result<Reply, WideError1>;
        async fn fits_on_one_line_of_exactly(&self, argument: LongArgumentType) -> Result<Reply, Error123>;
        async fn nothing(&self) -> Result<(), E>;
        async fn many(&self, a: u8, b: u16, c: u32, d: u64, e: u128, f: i8, g: i16, h: i32, i: i64, j: i128, k: f32, l: f64) -> Result<(u8,), E>;
    }
    "#,
    r#"
    #[mesh_service(exposed)]
    trait Borrows {
        async fn strings(&self, a: &[&str], b: Vec<&str>, c: HashMap<&str, Item>, d: (&str, Item)) -> Result<u8, E>;
        async fn options(&self, a: Option<&Item>, b: Option<(&str, &[u8])>, c: Option<&[u8]>) -> Result<u8, E>;
        async fn paths(&self, a: &Path, b: impl AsRef<Path>, c: impl AsRef<str>, d: &Item, e: &[u8; 3]) -> Result<u8, E>;
        #[mesh(sticky = key)]
        async fn collected(&self, key: impl AsRef<str>, items: impl IntoIterator<Item = u32>, more: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<u8, E>;
        async fn lifetimes<'a>(&'a self, name: &'a str, cow: std::borrow::Cow<'a, str>) -> Result<u8, E>;
    }
    "#,
    r#"
    #[mesh_service(exposed)]
    #[async_trait::async_trait]
    pub trait Boxed: Send + Sync {
        /// Docs.
        #[deprecated]
        async fn old(&self, r#type: u8, _unused: &str) -> anyhow::Result<Option<Vec<u8>>>;
        /// Over.
        ///
        /// # Errors
        /// Never.
        async fn connect(&self, mut with: String) -> std::io::Result<()>;
    }
    "#,
    r#"
    #[mesh_service(exposed, crate = crate::rpc)]
    pub(super) trait Named {
        async fn result(&self, arc: Arc<String>, fmt: fmt::Thing) -> super::Result<self::deep::Thing>;
        async fn with(&self) -> Result<u8, String>;
        async fn wait_ready(&self) -> Result<u8, String>;
    }
    "#,
    r#"
    #[mesh_service(exposed)]
    pub trait OneWithALongNameSoThatLittleFitsOnOneLine {
        #[mesh(deadline = "none")]
        async fn a_method_whose_name_is_long_as_well(&self, and_an_argument: u64, and_another: &str) -> Result<(), E>;
    }
    "#,
    r#"
    #[mesh_service(exposed, dyn, types(Error = StoreError, Page = Vec<Row>), generics(T = Row, const N = 2))]
    pub trait Store<T: Clone, K = u64, const N: usize = 9>: std::fmt::Debug {
        type Error;
        type Page;
        const LIMIT: usize = N;
        async fn put(&self, row: T, others: &[T], words: &[(&str, K)]) -> Result<usize, Self::Error>;
        async fn list(&self, first: [K; N], into: impl Into<String>, path: impl AsRef<Path>) -> Result<Self::Page, <Self as Store<T, K, N>>::Error>;
        async fn named<'a, 'b: 'a>(&'a self, one: &'a str, items: impl IntoIterator<Item = &'b str>) -> Result<usize, Self::Error>;
        fn future(&self, text: &str) -> impl Future<Output = Result<usize, Self::Error>> + Send + 'static;
        fn tail(&self, from: u64) -> impl Stream<Item = Result<T, Self::Error>> + Send;
        async fn open(&self, rows: impl Stream<Item = T> + Send + 'static) -> Result<impl Stream<Item = Result<T, Self::Error>> + Send + 'static, Self::Error>;
        fn wait(&self, n: u8) -> Result<u8, Self::Error>;
        #[mesh(local)]
        async fn slogan(&self, or: &str) -> &str {
            "none"
        }
        fn debug<D: Debug>(&self, value: &D) -> String {
            String::new()
        }
        fn limit() -> usize {
            Self::LIMIT
        }
    }
    "#,
    r#"
    #[mesh_service(exposed, dyn)]
    pub trait Depot {
        #[mesh(raw, idempotent)]
        async fn turn(&self, #[mesh(raw)] a: Bytes, number: u64, #[mesh(raw)] b: Vec<u8>, #[mesh(raw)] c: &[u8]) -> Result<Bytes, DepotError>;
        #[mesh(raw, on_failure = default)]
        async fn get(&self, name: &str) -> Vec<u8>;
        #[mesh(raw)]
        fn wait(&self, #[mesh(raw)] a: &[u8]) -> Result<Vec<u8>, DepotError>;
        async fn put(&self, #[mesh(raw)] a: Blob) -> Result<(), DepotError>;
    }
    "#,
    r#"
    #[mesh_service(exposed)]
    pub trait Futures {
        fn later(&self, id: u64) -> impl Future<Output = Result<String, E>> + Send;
        fn boxed(&self, id: u64) -> Pin<Box<dyn Future<Output = Result<String, E>> + Send + '_>>;
    }
    "#,
    r#"
    #[mesh_service(exposed)]
    pub trait Streams {
        fn tail(&self, from: u64) -> impl Stream<Item = Result<Event, StreamsError>> + Send;
        async fn watch(&self, topic: String) -> Result<impl Stream<Item = Result<Event, StreamsError>> + Send + 'static, StreamsError>;
        fn boxed(&self, from: &str) -> BoxStream<'static, Result<Event, StreamsError>>;
        async fn open(&self, from: &str) -> Result<BoxStream<'static, Result<Event, StreamsError>>, StreamsError>;
        async fn import(&self, account: u64, rows: impl Stream<Item = Row> + Send + 'static) -> Result<u64, StreamsError>;
    }
    "#,
    r#"
    #[mesh_service(exposed)]
    pub trait Blocking: Send + Sync {
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>, E>;
        fn put(&self, key: &str, value: &[u8]) -> Result<(), E>;
    }
    "#,
    r#"
    #[mesh_service(exposed, types(Error = StoreError), generics(T = Row))]
    pub trait Store<T>: Send + Sync {
        type Error;
        async fn load(&self, id: u64) -> Result<T, Self::Error>;
        async fn save(&mut self, row: T) -> Result<(), Self::Error>;
    }
    "#,
    r#"
    #[mesh_service(exposed, dyn)]
    trait Till {
        async fn put(&mut self, cents: u64) -> Result<u64, String>;
        async fn total(&self) -> Result<u64, String>;
        async fn sized(&self) -> Result<u64, String> where Self: Sized { Ok(1) }
    }
    "#,
    r#"
    #[mesh_service(exposed, dyn, supertraits = manual)]
    #[allow(clippy::all)]
    pub trait Worker: Base + Send + Sync + 'static {
        async fn start(self: Arc<Self>, job: &str) -> Result<u64, String>;
        async fn done(&self) -> Result<u64, String>;
    }
    "#,
    r#"
    #[mesh_service(exposed, dyn)]
    pub trait Dynamic {
        async fn greet(&self, name: &str, cards: &[(&str, Card)]) -> Result<String, E>;
        #[mesh(local)]
        fn label(&self) -> &'static str { "dynamic" }
    }
    "#,
    r#"
    #[mesh_service(exposed)]
    pub trait Numbers {
        #[mesh(on_failure = no_number)]
        async fn number(&self, text: &str) -> Result<u32, ParseIntError>;
    }
    "#,
];

/// Their services.
pub(crate) fn services() -> Vec<Service> {
    SOURCES
        .iter()
        .map(|source| {
            let item: ItemTrait = syn::parse_str(source).expect("it is Rust");
            match Service::find(&item) {
                Ok(found) => found.expect("the attribute is there"),
                Err(error) => panic!("`{}` cannot be served: {error}", item.ident),
            }
        })
        .collect()
}
