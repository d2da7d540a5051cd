//! Borrowed paths: the system's, and types of the program's own that are called `Path` as well.

use std::pin::Pin;

use meshrpc::{Client as _, mesh_service};
use meshrpc_tests::pair;
use serde::{Deserialize, Serialize};

/// Of an object store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path(Vec<String>);

/// Borrows of it, alone and inside of others.
#[mesh_service]
pub trait Objects {
    /// Borrowed, in an option, in a slice.
    async fn join(
        &self,
        path: &Path,
        option: Option<&Path>,
        slice: &[&Path],
    ) -> Result<Path, String>;
    /// That of the system.
    async fn file(
        &self,
        path: &std::path::Path,
        option: Option<&std::path::Path>,
        slice: &[&std::path::Path],
    ) -> Result<std::path::PathBuf, String>;
    /// The future outlives the borrow.
    fn first(
        &self,
        path: &Path,
    ) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + '_>>;
}

struct Service;

impl Objects for Service {
    async fn join(
        &self,
        path: &Path,
        option: Option<&Path>,
        slice: &[&Path],
    ) -> Result<Path, String> {
        let paths = [Some(path), option].into_iter().flatten();
        let names = paths.chain(slice.iter().copied()).flat_map(|path| &path.0);
        Ok(Path(names.cloned().collect()))
    }
    async fn file(
        &self,
        path: &std::path::Path,
        option: Option<&std::path::Path>,
        slice: &[&std::path::Path],
    ) -> Result<std::path::PathBuf, String> {
        let paths = [Some(path), option].into_iter().flatten();
        Ok(paths.chain(slice.iter().copied()).collect())
    }
    fn first(
        &self,
        path: &Path,
    ) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + '_>> {
        let first = path.0.first().cloned().ok_or_else(String::new);
        Box::pin(async { first })
    }
}

#[tokio::test]
async fn a_path_is_the_one_that_its_name_stands_for() {
    let objects = ObjectsClient::from_channel(pair(ObjectsHandler::new(Service)).await);
    let path = |name: &str| Path(vec![name.to_owned()]);
    let [a, b, c, d] = ["a", "b", "c", "d"].map(path);
    let joined = objects.join(&a, Some(&b), &[&c, &d]).await;
    let expected = ["a", "b", "c", "d"].map(String::from).to_vec();
    assert_eq!(joined, Ok(Path(expected)));
    assert_eq!(objects.first(&a).await, Ok("a".to_owned()));
    let [a, b, c] = ["a", "b", "c"].map(std::path::Path::new);
    let file = objects.file(a, Some(b), &[c]).await;
    assert_eq!(file, Ok(["a", "b", "c"].iter().collect()));
}
