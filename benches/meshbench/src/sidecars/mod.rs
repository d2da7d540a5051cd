//! What calls cost through sidecars of Consul, beside the bare echo through sidecars of the same kind.
//!
//! The agent, the servers with their sidecars, the callers with theirs, and the connections stay for
//! the whole run: in each round every way has its turn with every workload, in the next one in the
//! opposite order. Callers and their sidecars have one core, servers and theirs the other.
//!
//! # Layout
//! - `agent`: the agent, and the programs that are needed
//! - `ends`: the processes at both ends
//! - `leaf`: the bare echo through one sidecar, with a certificate of its own
//! - `path`: the ways that calls take, and what is compared

mod agent;
mod ends;
mod leaf;
mod path;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use clap::Args;
pub use ends::{before, behind};

use self::{
    agent::{Agent, Programs},
    ends::Question,
    path::{Between, Comparison, Path, Proxy},
};
use crate::{
    cores,
    drive::Sample,
    process::{Companion, Registry},
    results::{Results, Spread},
    stacks::Stack,
    table::{Figure, aligned},
    workload::Workload,
};

/// What to measure.
#[derive(Args)]
pub struct Options {
    /// Which workloads: those that make one call at a time.
    #[arg(long, value_delimiter = ',', default_value = "w1,w4,w5")]
    workloads: Vec<Workload>,
    /// How often: many short turns tell more than few long ones, for the machine changes meanwhile.
    #[arg(long, default_value_t = 11)]
    rounds: u32,
    /// How long each sample takes, besides a warm-up.
    #[arg(long, default_value_t = 0.2)]
    seconds: f64,
    /// Processes are where the system puts them.
    #[arg(long)]
    unpinned: bool,
}

/// Figures by workload and way, of each round.
type Figures = BTreeMap<(Workload, Path), Vec<Sample>>;

/// Measures and prints.
pub fn run(options: &Options) -> Result<()> {
    for workload in &options.workloads {
        let suits = matches!(workload, Workload::W1 | Workload::W4 | Workload::W5);
        anyhow::ensure!(suits, "{} is not for sidecars", workload.name());
    }
    let Some(programs) = Programs::find() else {
        println!("not run: needs consul (MESHRPC_TEST_CONSUL_1_22, or in PATH)");
        return Ok(());
    };
    if programs.envoy.is_none() {
        println!("not run through Envoy: needs envoy (MESHRPC_TEST_ENVOY, or in PATH)");
    }
    let mut paths = Path::all(programs.envoy.is_some());
    let pinned = !options.unpinned && cores::two();
    let mut site = Site::start(&programs, pinned)?;
    let mut figures = Figures::new();
    for _ in 0..options.rounds {
        for &workload in &options.workloads {
            let alone = pinned && workload.is_one_at_a_time();
            let _awake = alone.then(cores::Awake::keep).transpose()?;
            for &path in &paths {
                let sample = site.sample(path, workload, options.seconds);
                let sample = sample.with_context(|| path.name())?;
                figures.entry((workload, path)).or_default().push(sample);
            }
        }
        paths.reverse();
    }
    drop(site);
    print(&programs, &options.workloads, &figures);
    Ok(())
}

/// The agent, and the processes at both ends. They end with this value.
struct Site {
    /// Where the bare echo listens that has no sidecar.
    bare: String,
    callers: BTreeMap<Caller, Companion>,
    _servers: Vec<Companion>,
    _registry: Registry,
    _agent: Agent,
}

/// A process that calls: each kind of route has its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Caller {
    Plain,
    Instance,
    Upstream(Proxy),
}

impl Site {
    fn start(programs: &Programs, pinned: bool) -> Result<Self> {
        let agent = Agent::start(&programs.consul)?;
        let consul = programs.consul.display();
        let mesh = format!("consul://{}?consul={consul}", agent.http);
        let mut kinds = vec![(Proxy::BuiltIn, "&proxy=builtin".to_owned())];
        if let Some(envoy) = &programs.envoy {
            let envoy = format!("&proxy=envoy&envoy={}", envoy.display());
            kinds.push((Proxy::Envoy, envoy));
        }
        let registry = Registry::new()?;
        let core = |core| pinned.then_some(core);
        let serve = |url: String, between: Between| {
            Companion::start(&["behind", &url, place(between)], &registry, core(1))
        };
        let call = |url: String| Companion::start(&["before", &url], &registry, core(0));

        let plain = format!("{mesh}&via=plain");
        let mut servers = vec![serve(plain.clone(), Between::Nothing)?];
        for (proxy, options) in &kinds {
            servers.push(serve(format!("{mesh}{options}"), Between::Two(*proxy))?);
        }
        // They start side by side, and say when they can be called.
        let mut addresses = Vec::new();
        for server in &mut servers {
            addresses.push(server.line()?.trim().to_owned());
        }
        let mut callers = BTreeMap::from([
            (Caller::Plain, call(plain)?),
            (
                Caller::Instance,
                call(format!("{mesh}&via=instance&as=caller-instance"))?,
            ),
        ]);
        for (proxy, options) in &kinds {
            let name = place(Between::Two(*proxy));
            let caller = call(format!("{mesh}{options}&as=caller-{name}"))?;
            callers.insert(Caller::Upstream(*proxy), caller);
        }
        Ok(Self {
            bare: addresses.swap_remove(0),
            callers,
            _servers: servers,
            _registry: registry,
            _agent: agent,
        })
    }

    fn sample(&mut self, path: Path, workload: Workload, seconds: f64) -> Result<Sample> {
        let caller = match path.between {
            Between::Nothing => Caller::Plain,
            Between::One(_) => Caller::Instance,
            Between::Two(proxy) => Caller::Upstream(proxy),
        };
        let place = place(path.between);
        let to = match (path.stack, path.between) {
            (Stack::Raw, Between::Nothing) => self.bare.clone(),
            (Stack::Raw, Between::One(_)) => leaf::name(&format!("raw-{place}")),
            (Stack::Raw, _) => format!("raw-{place}"),
            _ => format!("bench-{place}"),
        };
        let question = Question {
            stack: path.stack,
            to,
            workload,
            seconds,
        };
        let caller = self.callers.get_mut(&caller).context("no such caller")?;
        let answer = caller.ask(&serde_json::to_string(&question)?)?;
        serde_json::from_str(&answer).context("no figures")
    }
}

/// What the names of services end with that are served there.
fn place(between: Between) -> &'static str {
    match between.proxy() {
        None => "plain",
        Some(Proxy::BuiltIn) => "builtin",
        Some(Proxy::Envoy) => "envoy",
    }
}

fn print(programs: &Programs, workloads: &[Workload], figures: &Figures) {
    for (name, value) in &Results::new().machine {
        println!("{name}: {value}  ");
    }
    for version in programs.versions() {
        println!("{version}  ");
    }
    println!("\n{}", aligned(&comparisons(workloads, figures)));
    println!("{}", aligned(&medians(workloads, figures)));
}

/// A figure of a workload: its name, how it is called, and what it is divided by.
type Column = (Workload, &'static str, &'static str, f64);

/// What a workload is about.
fn figure(workload: Workload) -> Column {
    match workload.is_small() {
        true => (workload, "p50_us", "p50 µs", 1.0),
        false => (workload, "bytes_per_s", "GiB/s", (1_u64 << 30) as f64),
    }
}

/// Medians of the ratios that rounds gave, and their range.
fn comparisons(workloads: &[Workload], figures: &Figures) -> Vec<Vec<String>> {
    let head = ["", "beside", "workload", "to reach", "ratio"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for comparison in Comparison::all() {
        let suited = workloads.iter().filter(|it| comparison.suits(**it));
        for &workload in suited {
            let (_, name, title, _) = figure(workload);
            let of = |path| {
                let samples = figures.get(&(workload, path))?;
                Some(samples.iter().map(|it| it[name]).collect::<Vec<_>>())
            };
            let (Some(own), Some(base)) = (of(comparison.path), of(comparison.base)) else {
                continue;
            };
            let less = comparison.less.and_then(of);
            let less = less.unwrap_or_else(|| vec![0.0; own.len()]);
            let rounds = own.iter().zip(base).zip(less);
            let ratio = Spread::of(rounds.map(|((own, base), less)| (own - less) / (base - less)));
            let goal = comparison.goal(workload);
            rows.push(vec![
                comparison.name(),
                comparison.base.name(),
                format!("{} {title}", workload.name()),
                goal.map_or("–".to_owned(), |goal| goal.to_string()),
                ratio.map_or("–".to_owned(), |ratio| ratio.to_string()),
            ]);
        }
    }
    rows
}

/// What each way gave, as medians.
fn medians(workloads: &[Workload], figures: &Figures) -> Vec<Vec<String>> {
    let columns: Vec<Column> = workloads
        .iter()
        .flat_map(|&workload| {
            let tail = (workload, "p99_us", "p99 µs", 1.0);
            let tail = workload.is_small().then_some(tail);
            [figure(workload)].into_iter().chain(tail)
        })
        .collect();
    let mut rows = vec![vec![String::new()]];
    let titles = columns.iter();
    rows[0].extend(titles.map(|(workload, _, title, _)| format!("{} {title}", workload.name())));
    for path in Path::all(true) {
        let mut row = vec![path.name()];
        for (workload, name, _, unit) in &columns {
            if let Some(samples) = figures.get(&(*workload, path)) {
                let median = Spread::of(samples.iter().map(|sample| sample[*name]));
                row.extend(median.map(|median| Figure(median.median / unit).to_string()));
            }
        }
        if row.len() > 1 {
            rows.push(row);
        }
    }
    rows
}
