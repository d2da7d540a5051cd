//! Runs generated values of one type after the other through every codec, as a method does.

use std::{any::type_name, collections::BTreeSet, fmt::Debug};

use meshrpc::{
    codec::{self, ArgsReader, ArgsWriter, EncodeError},
    contract::MethodSpec,
    wire::Codec,
};
use proptest::{
    arbitrary::Arbitrary,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde::{Serialize, de::DeserializeOwned};

/// Values of each type.
const VALUES: usize = 128;

/// The types of a topic, with what became of their values.
#[derive(Default)]
pub(crate) struct Corpus {
    pub(crate) rows: Vec<Row>,
    wrong: Vec<String>,
}

/// What became of the values of one type.
pub(crate) struct Row {
    pub(crate) label: &'static str,
    /// What its methods begin with.
    pub(crate) codec: Codec,
    pub(crate) obstacle: Option<String>,
    pub(crate) positional: Outcomes,
    pub(crate) named: Outcomes,
    pub(crate) json: Outcomes,
}

/// What happened to values in one codec.
#[derive(Default)]
pub(crate) struct Outcomes {
    pub(crate) carried: usize,
    /// Left to the field-named codec.
    pub(crate) demoted: BTreeSet<String>,
    /// Refused when written, or when read.
    pub(crate) unwritten: BTreeSet<String>,
    pub(crate) unread: BTreeSet<String>,
}

impl Corpus {
    /// Adds a type whose values are made up from its shape.
    pub(crate) fn any<T>(&mut self, label: &'static str)
    where
        T: Arbitrary + Serialize + DeserializeOwned + PartialEq + Debug + 'static,
    {
        self.add(label, T::arbitrary());
    }

    /// Adds a type with these values.
    pub(crate) fn add<T>(&mut self, label: &'static str, values: impl Strategy<Value = T>)
    where
        T: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
    {
        self.compare(label, values, T::eq);
    }

    /// Adds a type that is equal in its own way.
    pub(crate) fn compare<T>(
        &mut self,
        label: &'static str,
        values: impl Strategy<Value = T>,
        equal: impl Fn(&T, &T) -> bool,
    ) where
        T: Serialize + DeserializeOwned + Debug + 'static,
    {
        let method = MethodSpec::unary("method", 1, &["value"], |schema| {
            schema.argument::<T>();
            schema.reply::<T>();
        });
        let mut row = Row {
            label,
            codec: method.codec(),
            obstacle: method.obstacle(),
            positional: Outcomes::default(),
            named: Outcomes::default(),
            json: Outcomes::default(),
        };
        let mut runner = TestRunner::deterministic();
        for _ in 0..VALUES {
            let value = values
                .new_tree(&mut runner)
                .expect("a value can be made up")
                .current();
            let mut codecs = vec![(Codec::FieldNamed, &mut row.named)];
            if row.codec == Codec::Positional {
                codecs.push((Codec::Positional, &mut row.positional));
            }
            if cfg!(feature = "json") {
                codecs.push((Codec::Json, &mut row.json));
            }
            for (codec, outcomes) in codecs {
                for way in [as_reply, as_argument] {
                    if let Err(read) = outcomes.run(codec, &method, &value, &equal, way) {
                        self.wrong.push(format!(
                            "{label} in {codec:?}:\n  written {value:?}\n  read    {read:?}"
                        ));
                    }
                }
            }
        }
        assert!(
            !self.rows.iter().any(|row| row.label == label),
            "{label} is there already"
        );
        self.rows.push(row);
    }

    /// Every value was read back equal, or refused by name.
    pub(crate) fn assert_never_a_wrong_value(&self) {
        assert!(!self.rows.is_empty());
        let count = self.wrong.len();
        let shown = self.wrong.iter().take(5).cloned().collect::<Vec<_>>();
        assert!(count == 0, "{count} wrong values:\n{}", shown.join("\n"));
    }
}

type Way<T> = fn(Codec, &MethodSpec, &T) -> Result<Result<T, String>, EncodeError>;

impl Outcomes {
    /// The error is what was read instead.
    fn run<T: Serialize + DeserializeOwned>(
        &mut self,
        codec: Codec,
        method: &MethodSpec,
        value: &T,
        equal: &impl Fn(&T, &T) -> bool,
        way: Way<T>,
    ) -> Result<(), T> {
        match way(codec, method, value) {
            Ok(Ok(read)) if equal(&read, value) => self.carried += 1,
            Ok(Ok(read)) => return Err(read),
            Ok(Err(error)) => {
                self.unread.insert(reason::<T>(&error));
            }
            Err(error) if error.needs_field_names() => {
                assert_eq!(codec, Codec::Positional, "{error}");
                self.demoted.insert(reason::<T>(&error.to_string()));
            }
            Err(error) => {
                self.unwritten.insert(reason::<T>(&error.to_string()));
            }
        }
        Ok(())
    }
}

fn as_reply<T: Serialize + DeserializeOwned>(
    codec: Codec,
    method: &MethodSpec,
    value: &T,
) -> Result<Result<T, String>, EncodeError> {
    let mut bytes = Vec::new();
    codec::encode_reply(codec, method, value, &mut bytes)?;
    Ok(codec::decode(codec, &bytes).map_err(|error| error.to_string()))
}

fn as_argument<T: Serialize + DeserializeOwned>(
    codec: Codec,
    method: &MethodSpec,
    value: &T,
) -> Result<Result<T, String>, EncodeError> {
    let mut bytes = Vec::new();
    let mut arguments = ArgsWriter::new(codec, method, &mut bytes);
    arguments.put(value)?;
    arguments.finish()?;
    let read = || {
        let mut arguments = ArgsReader::new(codec, method.arguments, &bytes)?;
        let value = arguments.take()?;
        arguments.finish()?;
        Ok(value)
    };
    Ok(read().map_err(|error: codec::DecodeError| error.to_string()))
}

/// What an error says after the name of the type, which it must have.
fn reason<T>(error: &str) -> String {
    let name = type_name::<T>();
    let Some((_, reason)) = error.split_once(name) else {
        panic!("`{name}` is not named: {error}");
    };
    reason.trim_start_matches([')', ':', ' ']).to_owned()
}
