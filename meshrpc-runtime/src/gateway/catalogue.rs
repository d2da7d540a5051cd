//! What the instances of a deployment serve, as they say themselves.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use http::Method;
use tokio::{sync::Mutex as AsyncMutex, time::Instant};

use crate::{
    client::{Answer, Channel},
    contract::{ContractDescription, DESCRIBE, MethodDescription, MethodSpec, method_key},
    error::Error,
    http::HTTP,
    mesh::Mesh,
    wire::CallKind,
};

/// How long a description holds. Deployments change with their instances.
const FRESH: Duration = Duration::from_secs(5);

/// What is known of a deployment.
pub(super) struct Catalogue {
    describe: Channel,
    http: Channel,
    known: AsyncMutex<Option<(Instant, Arc<Known>)>>,
}

/// What answers a request.
pub(super) enum Found {
    /// A call.
    Method(Channel, &'static MethodSpec),
    /// A published HTTP handler.
    Http(Channel),
    /// A call whose request, answer or both are streams.
    Streaming,
    /// Methods of these contracts.
    Ambiguous(Vec<&'static str>),
    /// Neither.
    Nothing,
}

#[derive(Default)]
struct Known {
    /// By name, then by contract.
    methods: HashMap<String, Vec<(&'static str, &'static MethodSpec)>>,
    http: bool,
}

impl Catalogue {
    pub(super) fn new(mesh: &Mesh, deployment: &str) -> Self {
        Self {
            describe: mesh.channel(deployment, &DESCRIBE),
            http: mesh.channel(deployment, &HTTP),
            known: AsyncMutex::default(),
        }
    }

    /// What answers a request for `rest`.
    pub(super) async fn find(&self, method: &Method, rest: &str) -> Result<Found, Error> {
        let known = self.known().await?;
        if *method == Method::POST {
            let (contract, name) = match rest.rsplit_once('.') {
                Some((contract, name)) => (Some(contract), name),
                None => (None, rest),
            };
            let named = known
                .methods
                .get(name)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let mut fitting = named
                .iter()
                .filter(|(of, _)| contract.is_none_or(|name| name == *of));
            match (fitting.next(), fitting.next()) {
                (Some((_, method)), None) if method.kind != CallKind::Unary => {
                    return Ok(Found::Streaming);
                }
                (Some((_, method)), None) => {
                    return Ok(Found::Method(self.describe.clone(), method));
                }
                (Some(_), Some(_)) => {
                    return Ok(Found::Ambiguous(named.iter().map(|(of, _)| *of).collect()));
                }
                _ => {}
            }
        }
        Ok(if known.http {
            Found::Http(self.http.clone())
        } else {
            Found::Nothing
        })
    }

    /// Asks an instance if nothing fresh is known. One asks for all that wait.
    async fn known(&self) -> Result<Arc<Known>, Error> {
        let mut cached = self.known.lock().await;
        if let Some((at, known)) = &*cached
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(known));
        }
        let answer = self
            .describe
            .call(&DESCRIBE.methods[0])
            .unary(|_| Ok(()))
            .await?;
        let contracts: Vec<ContractDescription> = match answer {
            Answer::Value(value) => value.decode()?,
            Answer::Failed(failed) => return Err(failed.into_error()),
        };
        let known = Arc::new(Known::of(&contracts));
        *cached = Some((Instant::now(), Arc::clone(&known)));
        Ok(known)
    }
}

impl Known {
    fn of(contracts: &[ContractDescription]) -> Self {
        let mut known = Self::default();
        for contract in contracts {
            known.http |= contract.name == HTTP.name;
            if contract.name.starts_with("meshrpc.") {
                continue;
            }
            for method in &contract.methods {
                let learned = learn(&contract.name, method);
                known
                    .methods
                    .entry(method.name.clone())
                    .or_default()
                    .push(learned);
            }
        }
        known
    }
}

/// A method that was learned of, as one that was compiled in. There are as many as the contracts
/// behind this gateway have, and each is kept once, for the life of the process.
fn learn(contract: &str, method: &MethodDescription) -> (&'static str, &'static MethodSpec) {
    type Learned = HashMap<(String, String, bool, bool), (&'static str, &'static MethodSpec)>;
    static LEARNED: LazyLock<Mutex<Learned>> = LazyLock::new(Mutex::default);

    let mut learned = LEARNED.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (
        contract.to_owned(),
        method.name.clone(),
        method.idempotent,
        method.unary,
    );
    *learned.entry(key).or_insert_with(|| {
        let name: &'static str = Box::leak(method.name.clone().into_boxed_str());
        let key = method_key(contract, name);
        // Which way it streams does not matter here: it is not called.
        let spec = match method.unary {
            true => MethodSpec::unary(name, key, &[], |_| {}),
            false => MethodSpec::streaming(CallKind::BothStream, name, key, &[], |_| {}),
        };
        let spec = if method.idempotent {
            spec.idempotent()
        } else {
            spec
        };
        (
            Box::leak(contract.to_owned().into_boxed_str()),
            Box::leak(Box::new(spec)),
        )
    })
}
