//! Every row of the table of arguments, owned and borrowed.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::{CStr, CString},
    path::{Path, PathBuf},
};

use meshrpc::{
    Server, mesh_service,
    testing::{Network, pair},
};
use serde::{Deserialize, Serialize};

/// A type of the program's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// A field.
    pub id: u64,
    /// Another.
    pub name: String,
}

/// One method for each way to write an argument; each answers with what it was given.
#[mesh_service]
pub trait Forms {
    /// Nothing.
    async fn nothing(&self) -> anyhow::Result<()>;
    /// Owned.
    async fn owned(&self, row: Row, more: Vec<Row>, pair: (u8, String)) -> anyhow::Result<String>;
    /// `&str`.
    async fn text(&self, text: &str) -> anyhow::Result<String>;
    /// `&[T]`.
    async fn slice(&self, rows: &[Row]) -> anyhow::Result<Vec<Row>>;
    /// Bytes, borrowed and owned.
    async fn bytes(&self, a: &[u8], b: Vec<u8>, c: &Vec<u8>) -> anyhow::Result<Vec<u8>>;
    /// `&Path`, `&CStr`.
    async fn path(&self, path: &Path, c: &CStr) -> anyhow::Result<PathBuf>;
    /// `&T`.
    async fn reference(
        &self,
        row: &Row,
        three: &[u8; 3],
        rows: &Vec<Row>,
    ) -> anyhow::Result<String>;
    /// `Option` of borrows.
    async fn options(
        &self,
        text: Option<&str>,
        row: Option<&Row>,
        rows: Option<&[Row]>,
        path: Option<&Path>,
    ) -> anyhow::Result<String>;
    /// `Cow`.
    async fn cow<'a>(&self, text: Cow<'a, str>, bytes: Cow<'_, [u8]>) -> anyhow::Result<String>;
    /// Collections of borrows.
    async fn collections(
        &self,
        names: Vec<&str>,
        set: BTreeSet<&str>,
        slice: &[&str],
        pairs: &[(&str, u64)],
        by_ref: &Vec<&str>,
    ) -> anyhow::Result<String>;
    /// Maps with borrowed keys or values.
    async fn maps(
        &self,
        map: HashMap<&str, Row>,
        tree: BTreeMap<u8, &str>,
    ) -> anyhow::Result<String>;
    /// Tuples.
    async fn tuples(
        &self,
        pair: (&str, Row),
        maybe: Option<(&str, &[u8])>,
    ) -> anyhow::Result<String>;
    /// `impl Into`.
    async fn convert(
        &self,
        name: impl Into<String> + Send,
        id: impl Into<u64>,
    ) -> anyhow::Result<String>;
    /// `impl AsRef`.
    async fn referred(
        &self,
        name: impl AsRef<str>,
        path: impl AsRef<Path> + Send,
        bytes: impl AsRef<[u8]>,
    ) -> anyhow::Result<String>;
    /// `impl IntoIterator`.
    async fn items<'a>(
        &self,
        rows: impl IntoIterator<Item = Row> + Send,
        names: impl IntoIterator<Item = &'a str> + Send,
    ) -> anyhow::Result<String>;
    /// More arguments than a tuple may have.
    #[allow(clippy::too_many_arguments)]
    async fn twenty(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
        m: u8,
        n: u8,
        o: u8,
        p: u8,
        q: u8,
        r: u8,
        s: u8,
        t: u8,
    ) -> anyhow::Result<u64>;
    /// Names that generated code uses, and keywords.
    async fn names(
        &self,
        args: u8,
        request: u8,
        r#type: u8,
        answer: u8,
        _unused: u8,
    ) -> anyhow::Result<u8>;
    /// Keywords as names of methods.
    async fn r#match(&self, on: u8) -> anyhow::Result<u8>;
    /// Lifetimes.
    async fn lifetimes<'a, 'b>(&'a self, left: &'b str, right: &'a str) -> anyhow::Result<String>
    where
        'b: 'a;
    /// A borrow in the answer is an owned value.
    async fn answer(&self, text: &str) -> anyhow::Result<Cow<'static, str>>;
}

struct Echo;

impl Forms for Echo {
    async fn nothing(&self) -> anyhow::Result<()> {
        Ok(())
    }
    async fn owned(&self, row: Row, more: Vec<Row>, pair: (u8, String)) -> anyhow::Result<String> {
        Ok(format!("{row:?} {more:?} {pair:?}"))
    }
    async fn text(&self, text: &str) -> anyhow::Result<String> {
        tokio::task::yield_now().await;
        Ok(text.to_owned())
    }
    async fn slice(&self, rows: &[Row]) -> anyhow::Result<Vec<Row>> {
        Ok(rows.to_vec())
    }
    async fn bytes(&self, a: &[u8], b: Vec<u8>, c: &Vec<u8>) -> anyhow::Result<Vec<u8>> {
        Ok([a, &b, c].concat())
    }
    async fn path(&self, path: &Path, c: &CStr) -> anyhow::Result<PathBuf> {
        Ok(path.join(c.to_str()?))
    }
    async fn reference(
        &self,
        row: &Row,
        three: &[u8; 3],
        rows: &Vec<Row>,
    ) -> anyhow::Result<String> {
        Ok(format!("{row:?} {three:?} {rows:?}"))
    }
    async fn options(
        &self,
        text: Option<&str>,
        row: Option<&Row>,
        rows: Option<&[Row]>,
        path: Option<&Path>,
    ) -> anyhow::Result<String> {
        Ok(format!("{text:?} {row:?} {rows:?} {path:?}"))
    }
    async fn cow<'a>(&self, text: Cow<'a, str>, bytes: Cow<'_, [u8]>) -> anyhow::Result<String> {
        Ok(format!("{text} {bytes:?}"))
    }
    async fn collections(
        &self,
        names: Vec<&str>,
        set: BTreeSet<&str>,
        slice: &[&str],
        pairs: &[(&str, u64)],
        by_ref: &Vec<&str>,
    ) -> anyhow::Result<String> {
        Ok(format!("{names:?} {set:?} {slice:?} {pairs:?} {by_ref:?}"))
    }
    async fn maps(
        &self,
        map: HashMap<&str, Row>,
        tree: BTreeMap<u8, &str>,
    ) -> anyhow::Result<String> {
        Ok(format!("{map:?} {tree:?}"))
    }
    async fn tuples(
        &self,
        pair: (&str, Row),
        maybe: Option<(&str, &[u8])>,
    ) -> anyhow::Result<String> {
        Ok(format!("{pair:?} {maybe:?}"))
    }
    async fn convert(
        &self,
        name: impl Into<String> + Send,
        id: impl Into<u64>,
    ) -> anyhow::Result<String> {
        Ok(format!("{} {}", name.into(), id.into()))
    }
    async fn referred(
        &self,
        name: impl AsRef<str>,
        path: impl AsRef<Path> + Send,
        bytes: impl AsRef<[u8]>,
    ) -> anyhow::Result<String> {
        Ok(format!(
            "{} {} {:?}",
            name.as_ref(),
            path.as_ref().display(),
            bytes.as_ref()
        ))
    }
    async fn items<'a>(
        &self,
        rows: impl IntoIterator<Item = Row> + Send,
        names: impl IntoIterator<Item = &'a str> + Send,
    ) -> anyhow::Result<String> {
        let rows: Vec<_> = rows.into_iter().collect();
        let names: Vec<_> = names.into_iter().collect();
        Ok(format!("{rows:?} {names:?}"))
    }
    async fn twenty(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
        m: u8,
        n: u8,
        o: u8,
        p: u8,
        q: u8,
        r: u8,
        s: u8,
        t: u8,
    ) -> anyhow::Result<u64> {
        let all = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t];
        Ok(all
            .into_iter()
            .enumerate()
            .map(|(place, value)| place as u64 * u64::from(value))
            .sum())
    }
    async fn names(
        &self,
        args: u8,
        request: u8,
        r#type: u8,
        answer: u8,
        _unused: u8,
    ) -> anyhow::Result<u8> {
        Ok(args + request + r#type + answer)
    }
    async fn r#match(&self, on: u8) -> anyhow::Result<u8> {
        Ok(on)
    }
    async fn lifetimes<'a, 'b>(&'a self, left: &'b str, right: &'a str) -> anyhow::Result<String>
    where
        'b: 'a,
    {
        Ok(format!("{left}{right}"))
    }
    async fn answer(&self, text: &str) -> anyhow::Result<Cow<'static, str>> {
        Ok(Cow::Owned(text.to_uppercase()))
    }
}

fn row() -> Row {
    Row {
        id: 7,
        name: "seven".into(),
    }
}

/// Calls the same method on the implementation and on a client of it, and compares.
macro_rules! same {
    ($($method:ident($($argument:expr),* $(,)?);)*) => {
        let client: FormsClient = pair(Echo);
        $({
            let here = Echo.$method($($argument),*).await.expect("in process");
            let there = client.$method($($argument),*).await.expect("remote");
            assert_eq!(here, there, stringify!($method));
        })*
    };
}

#[tokio::test]
async fn every_form_of_argument_arrives_as_it_was_sent() {
    let c = CString::new("c").expect("no nul");
    same! {
        nothing();
        owned(row(), vec![row(), Row::default()], (1, "two".into()));
        text("a \"quoted\" \n text");
        slice(&[row(), Row::default()]);
        bytes(b"abc", vec![0, 255], &vec![7; 300]);
        path(Path::new("/etc/hosts"), &c);
        reference(&row(), &[1, 2, 3], &vec![row()]);
        options(Some("x"), Some(&row()), Some(&[row()]), Some(Path::new("p")));
        options(None, None, None, None);
        cow(Cow::Borrowed("text"), Cow::Owned(vec![1, 2]));
        collections(
            vec!["a", "b"], BTreeSet::from(["x", "y"]), &["s", "t"], &[("u", 1), ("v", 2)], &vec!["w"],
        );
        maps(HashMap::from([("k", row())]), BTreeMap::from([(1, "one"), (2, "two")]));
        tuples(("left", row()), Some(("name", &[1, 2])));
        tuples(("left", row()), None);
        convert("name", 7_u32);
        referred(String::from("name"), "a/path", [1_u8, 2]);
        items([row(), row()], ["a", "b"]);
        twenty(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
        names(1, 2, 3, 4, 5);
        r#match(9);
        lifetimes("left", "right");
        answer("text");
    }
}

#[test]
fn raw_identifiers_have_their_plain_names_on_the_wire() {
    let method = FORMS.methods.iter().find(|method| method.name == "match");
    assert!(method.is_some(), "no method `match` in {:?}", FORMS.methods);
    let names = FORMS
        .methods
        .iter()
        .find(|method| method.name == "names")
        .expect("it is there");
    assert_eq!(
        names.arguments,
        ["args", "request", "type", "answer", "_unused"]
    );
}

#[tokio::test]
async fn calls_go_through_generic_code_on_any_thread() {
    async fn generic(forms: impl Forms + 'static) -> anyhow::Result<String> {
        tokio::spawn(async move { forms.text("spawned").await }).await?
    }
    let handler = FormsHandler::shared(std::sync::Arc::new(Echo));
    let client: FormsClient = Network::new().pair_with(Server::builder().service(handler).build());
    assert_eq!(generic(client).await.expect("it is spawned"), "spawned");
}

#[test]
fn the_schema_of_every_method_is_known() {
    for method in FORMS.methods {
        assert_ne!(
            method.fingerprint(),
            0,
            "`{}` has no fingerprint",
            method.name
        );
    }
}
