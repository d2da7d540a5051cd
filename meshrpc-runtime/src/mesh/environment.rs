//! The environment variables that the runtime reads, all of them.

use std::{env, ffi::OsString, path::PathBuf, time::Duration};

use crate::{
    discovery::Address,
    error::{Code, Error, Kind},
};

/// What the environment says. A field is `None` where its variable is unset or empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// `MESHRPC_MESH`: URL of the mesh.
    pub(crate) mesh: Option<String>,
    /// `MESHRPC_NAMESPACE`: instances in different namespaces do not meet.
    pub(crate) namespace: Option<String>,
    /// `MESHRPC_INSTANCE`: stable name.
    pub(crate) instance: Option<String>,
    /// `MESHRPC_LISTEN`: address to bind.
    pub(crate) listen: Option<Address>,
    /// `MESHRPC_DEADLINE`: of unary calls that name none.
    pub(crate) deadline: Option<Duration>,
    /// `MESHRPC_RUNTIME_DIR`: where the local registry is.
    pub(crate) runtime_dir: Option<PathBuf>,
}

impl Environment {
    /// # Errors
    /// For a value that is not what its variable takes.
    pub(crate) fn read() -> Result<Self, Error> {
        Ok(Self {
            mesh: text("MESHRPC_MESH")?,
            namespace: text("MESHRPC_NAMESPACE")?,
            instance: text("MESHRPC_INSTANCE")?,
            listen: parsed("MESHRPC_LISTEN", |text| {
                text.parse::<Address>().map_err(|error| error.to_string())
            })?,
            deadline: parsed("MESHRPC_DEADLINE", duration)?,
            runtime_dir: value("MESHRPC_RUNTIME_DIR").map(PathBuf::from),
        })
    }
}

fn value(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn text(name: &str) -> Result<Option<String>, Error> {
    let utf8 = |value: OsString| value.into_string().map_err(|_| wrong(name, "it is not UTF-8"));
    value(name).map(utf8).transpose()
}

fn parsed<T>(name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, Error> {
    text(name)?.map(|text| parse(&text).map_err(|why| wrong(name, &why))).transpose()
}

fn wrong(name: &str, why: &str) -> Error {
    Error::new(Kind::Protocol, format!("{name}: {why}")).with_code(Code::InvalidArgument)
}

/// `500ms`, `30s` or `2m`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let expected = || format!("`{text}` is no duration: expected something like 500ms, 30s or 2m");
    let number: u64 = number.parse().map_err(|_| expected())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "30", "s", "1h", "-1s", "1.5s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
