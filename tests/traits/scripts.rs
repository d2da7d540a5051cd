//! Plugins and sheets: traits inside functions, and bodies that are generic.

use std::{collections::BTreeMap, fmt::Display, io, num::ParseFloatError};

use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

#[tokio::test]
async fn a_trait_of_one_test() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Script {
        name: String,
        lines: Vec<String>,
    }

    #[mesh_service]
    trait ScriptHost {
        async fn load(&self, script: &Script, replace: bool) -> anyhow::Result<u32>;
        async fn run(&self, id: u32, arguments: &[(&str, f64)]) -> anyhow::Result<Script>;
        async fn unload<T: Into<u32> + Send>(&self, id: T) -> anyhow::Result<bool>
        where
            Self: Sized + Sync,
        {
            Ok(self
                .load(
                    &Script {
                        name: String::new(),
                        lines: vec![],
                    },
                    true,
                )
                .await?
                == id.into())
        }
    }

    impl ScriptHost for Calls {
        async fn load(&self, script: &Script, replace: bool) -> anyhow::Result<u32> {
            self.answer("load", &[&script, &replace])
        }
        async fn run(&self, id: u32, arguments: &[(&str, f64)]) -> anyhow::Result<Script> {
            self.answer("run", &[&id, &arguments])
        }
    }

    async fn use_host(host: &impl ScriptHost) -> Transcript {
        let mut seen = Transcript::default();
        for _ in 0..6 {
            seen.messages(host.load(&seen.give(), seen.give()).await);
            seen.messages(host.run(seen.give(), &[(&seen.text(), 0.1)]).await);
            seen.messages(host.unload(seen.give::<u32>()).await);
        }
        seen
    }

    let there: ScriptHostClient = served(ScriptHostHandler::new(Calls::default())).await;
    assert_eq!(use_host(&Calls::default()).await, use_host(&there).await);
}

#[derive(Debug, thiserror::Error, MeshError)]
pub enum SheetError {
    #[error("{cell} holds no number")]
    Number {
        cell: String,
        #[source]
        cause: ParseFloatError,
    },
    #[error("a circle through {0:?}")]
    Circle(Vec<String>),
    #[error("the file failed")]
    #[mesh(fallback)]
    File(#[from] io::Error),
}

fails!(SheetError: made =>
    Self::Number { cell: made.text(), cause: "x".parse::<f64>().expect_err("no number") },
    Self::Circle(made.value()),
    Self::File(made.io()),
);

/// A sheet of cells.
#[mesh_service(types(Cell = f64))]
pub trait Sheet: Send + Sync {
    type Cell: Display;
    fn get(&self, cell: String) -> Result<Option<Self::Cell>, SheetError>;
    fn set(&self, cell: String, value: Self::Cell) -> Result<usize, SheetError>;
    fn rows(&self, from: u32, to: u32) -> Result<Vec<BTreeMap<String, Self::Cell>>, SheetError>;
    fn formula(&self, cell: String) -> Result<String, SheetError>;
}

impl Sheet for Calls {
    type Cell = f64;
    fn get(&self, cell: String) -> Result<Option<f64>, SheetError> {
        self.answer("get", &[&cell])
    }
    fn set(&self, cell: String, value: f64) -> Result<usize, SheetError> {
        self.answer("set", &[&cell, &value])
    }
    fn rows(&self, from: u32, to: u32) -> Result<Vec<BTreeMap<String, f64>>, SheetError> {
        self.answer("rows", &[&from, &to])
    }
    fn formula(&self, cell: String) -> Result<String, SheetError> {
        self.answer("formula", &[&cell])
    }
}

fn use_sheet(sheet: &dyn Sheet<Cell = f64>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(sheet.get(seen.give()));
        seen.wrapped(sheet.set(seen.give(), seen.give()));
        seen.wrapped(sheet.rows(seen.give(), seen.give()));
        seen.wrapped(sheet.formula(seen.give()));
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn sheet() {
    let there: SheetClient = served(SheetHandler::new(Calls::default())).await;
    let here = use_sheet(&Calls::default());
    assert_eq!(here, use_sheet(&there));
}
