//! Two cores, the bytes between them, callers and handlers, in a time that is made up.
//!
//! # Layout
//! - `setting`: what a seed decides beforehand
//! - `payload`: bodies that tell calls apart
//! - `link`: what owners, kernels and networks do with the bytes
//! - `damage`: a frame that does not arrive as it was sent
//! - `keys`: who has which, and who may be connected
//! - `spy`: the frames, read as they leave
//! - `call`: what is known of a call on both sides
//! - `caller`, `handler`: what those do at the two ends of a call
//! - `events`: what a core reports, held against what is known
//! - `ledger`: what holds after every step: credit, and what is remembered
//! - `settle`: everybody goes on to the end
//! - `tally`: how often a run came to what it is for

mod call;
mod caller;
mod damage;
mod events;
mod handler;
mod keys;
mod ledger;
mod link;
mod payload;
mod setting;
mod settle;
mod spy;
mod tally;

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use fastrand::Rng;
use meshrpc::wire::{ByteBudget, Connection, Fault, FrameType};

use self::{
    call::Call,
    damage::Damage,
    link::{Pipe, Side},
    setting::{Act, Fate, Setting},
    spy::Spy,
};

pub(crate) use self::tally::Tally;

/// What a step found: an `Err` says which rule does not hold.
pub(crate) type Check<T = ()> = Result<T, String>;

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Client,
    Server,
}

/// A run.
pub(crate) struct World {
    rng: Rng,
    setting: Setting,
    begun: Instant,
    now: Instant,
    client: Side,
    server: Side,
    /// From the client to the server.
    up: Pipe,
    down: Pipe,
    /// What the server's byte budget is, and how much of it is used.
    budget: Option<Arc<ByteBudget>>,
    calls: BTreeMap<u64, Call>,
    /// The server drains, or the client leaves.
    ending: bool,
    /// A frame did not arrive as it was sent: either side may find the other breaking rules, and
    /// calls may wait for what is missing.
    damaged: bool,
    tally: Tally,
    /// What happened, if somebody wants to read it.
    log: Option<Vec<String>>,
}

impl World {
    pub(crate) fn new(seed: u64, logged: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let setting = Setting::draw(&mut rng);
        let now = Instant::now();
        let secrets = [Who::Client, Who::Server].map(|who| setting.keys.secrets(who, &mut rng));
        let [ours, theirs] = secrets;
        let config = Arc::new(setting.client.clone());
        let client = Connection::client_with(config, ours, rng.u16(..), now);
        let config = Arc::new(setting.server.clone());
        let mut server = Connection::server_with(config, theirs, rng.u16(..), now);
        let budget = setting
            .budget
            .map(|most| ByteBudget::new(most, "it holds", "budget"));
        if let Some(budget) = &budget {
            server.hold_within(Arc::clone(budget));
        }
        let up = Spy::new(Who::Client, &setting.server);
        let down = Spy::new(Who::Server, &setting.client);
        let mut world = Self {
            rng,
            begun: now,
            now,
            client: Side::new(Who::Client, client, setting.lands, now),
            server: Side::new(Who::Server, server, setting.lands, now),
            up: Pipe::new(setting.pipe, up),
            down: Pipe::new(setting.pipe, down),
            setting,
            budget,
            calls: BTreeMap::new(),
            ending: false,
            damaged: false,
            tally: Tally::default(),
            log: logged.then(Vec::new),
        };
        world.expect_forgery();
        let drawn = format!("{:#?}", world.setting);
        world.trace(|| drawn);
        world
    }

    /// Runs to the end.
    pub(crate) fn run(&mut self) -> Check {
        let total = self.setting.weights.iter().sum();
        let steps = self.setting.steps;
        if self.setting.shaken {
            self.go_on()?;
        }
        for step in 0..steps {
            let fates: Vec<Fate> = self
                .setting
                .fates
                .iter()
                .filter(|(at, _)| *at == step)
                .map(|(_, fate)| *fate)
                .collect();
            for fate in fates {
                self.befall(fate);
                self.check()?;
            }
            let mut at = self.rng.u32(0..total);
            let chosen = self.setting.weights.iter().position(|weight| {
                let hit = at < *weight;
                at = at.saturating_sub(*weight);
                hit
            });
            let (act, _) = Act::ALL[chosen.unwrap_or(0)];
            self.act(act)?;
            self.check()?;
        }
        self.settle()
    }

    /// How often what happened.
    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// What happened.
    pub(crate) fn log(&self) -> &[String] {
        self.log.as_deref().unwrap_or_default()
    }

    fn act(&mut self, act: Act) -> Check {
        let piece = self.setting.piece;
        match act {
            Act::Call => self.make_call(),
            Act::Cancel => self.cancel(),
            Act::CallerWrites => self.some(Call::may_write, World::caller_writes),
            Act::CallerFinishes => self.some(Call::may_write, World::caller_finishes),
            Act::CallerReads => self.some(Call::may_read, World::caller_reads),
            Act::CallerStopsReading => self.some(Call::holds_reader, World::caller_stops_reading),
            Act::CallerStopsWriting => self.some(Call::holds_writer, World::caller_stops_writing),
            Act::HandlerAnswers => self.some(Call::may_be_answered, World::handler_answers),
            Act::HandlerReads => self.some(Call::handler_may_read, World::handler_reads),
            Act::HandlerWrites => self.some(Call::handler_may_write, World::handler_writes),
            Act::HandlerFinishes => self.some(Call::handler_may_write, World::handler_finishes),
            Act::HandlerStopsReading => {
                self.some(Call::handler_holds_reader, World::handler_stops_reading)
            }
            Act::HandlerEnds => self.some(Call::handler_is_to_stop, World::handler_ends),
            Act::ClientWrites => self.writes_some(Who::Client, piece),
            Act::ServerWrites => self.writes_some(Who::Server, piece),
            Act::ClientReads => self.reads_some(Who::Client, piece),
            Act::ServerReads => self.reads_some(Who::Server, piece),
            Act::WritesAreReported => {
                self.client.report();
                self.server.report();
                Ok(())
            }
            Act::ClientTimer => self.timer(Who::Client),
            Act::ServerTimer => self.timer(Who::Server),
            Act::TimePasses => {
                self.time_passes();
                Ok(())
            }
        }
    }

    /// Does something with one of the calls that it can be done with.
    fn some(
        &mut self,
        can: impl Fn(&Call) -> bool,
        act: impl Fn(&mut World, u64) -> Check,
    ) -> Check {
        let ids: Vec<u64> = self.calls_that(can);
        match ids.len() {
            0 => Ok(()),
            len => {
                let id = ids[self.rng.usize(0..len)];
                act(self, id)
            }
        }
    }

    fn calls_that(&self, can: impl Fn(&Call) -> bool) -> Vec<u64> {
        let calls = self.calls.values().filter(|call| can(call));
        calls.map(|call| call.id).collect()
    }

    fn writes_some(&mut self, who: Who, most: usize) -> Check {
        let max = self.rng.usize(1..=most);
        self.write(who, max)?;
        if self.rng.u8(0..4) > 0 {
            self.side(who).report();
        }
        self.events(who)
    }

    fn reads_some(&mut self, who: Who, most: usize) -> Check {
        let max = self.rng.usize(1..=most);
        self.read(who, max)?;
        self.events(who)
    }

    /// A side looks at its timer, early, in time or late.
    fn timer(&mut self, who: Who) -> Check {
        let now = self.now;
        let side = self.side(who);
        if side.gone {
            return Ok(());
        }
        side.report();
        let result = side.wire.handle_timeout(now);
        self.events(who)?;
        if let Err(fault) = result {
            self.fault(who, fault)?;
            self.events(who)?;
        }
        self.timer_was_handled(who)
    }

    fn time_passes(&mut self) {
        let due = |side: &Side| side.wire.poll_timeout().filter(|_| !side.gone);
        let next = match self.rng.u8(0..16) {
            0 => due(&self.client),
            1 => due(&self.server),
            2 => Some(self.now + Duration::from_millis(self.rng.u64(0..3_000))),
            _ => Some(self.now + Duration::from_micros(self.rng.u64(0..5_000))),
        };
        self.now = next.map_or(self.now, |next| next.max(self.now));
        self.trace(|| "time passes".into());
    }

    fn befall(&mut self, fate: Fate) {
        self.trace(|| format!("{fate:?}"));
        let now = self.now;
        match fate {
            Fate::Lost => {
                let (up, down) = (self.rng.f64(), self.rng.f64());
                self.up.lose(up);
                self.down.lose(down);
            }
            Fate::DeafServer => self.up.severed = true,
            Fate::DeafClient => self.down.severed = true,
            Fate::Severed => {
                self.up.severed = true;
                self.down.severed = true;
            }
            Fate::Upward(damage) => drop(self.up.expects.get_or_insert(damage)),
            Fate::Downward(damage) => drop(self.down.expects.get_or_insert(damage)),
            Fate::Drain => {
                self.ending = true;
                self.server.wire.go_away(now);
            }
            Fate::Leave => {
                self.ending = true;
                self.client.wire.go_away(now);
            }
            Fate::ClientDropped => self.drop_side(Who::Client),
            Fate::ServerDropped => self.drop_side(Who::Server),
        }
    }

    /// A frame of the handshake is not going to arrive as it was sent.
    fn expect_forgery(&mut self) {
        let Some(kind) = self.setting.keys.forged else {
            return;
        };
        let pipe = match kind {
            FrameType::ServerHello => &mut self.down,
            _ => &mut self.up,
        };
        pipe.expects = Some(Damage::Forged(kind));
    }

    fn side(&mut self, who: Who) -> &mut Side {
        match who {
            Who::Client => &mut self.client,
            Who::Server => &mut self.server,
        }
    }

    /// Both shook hands, and nothing has befallen the bytes between them.
    fn is_well(&self) -> bool {
        let established = self.client.wire.is_established() && self.server.wire.is_established();
        established && !self.damaged && self.up.is_whole() && self.down.is_whole()
    }

    /// Says what happened, to whom wants to know.
    fn trace(&mut self, what: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            let at = (self.now - self.begun).as_secs_f64();
            log.push(format!("{at:>12.6} {}", what()));
        }
    }
}

impl Who {
    /// Whether a fault may end the connection of this side.
    fn may_meet(self, fault: &Fault) -> bool {
        match fault {
            Fault::Closed | Fault::Transport(..) | Fault::ClosedHere | Fault::Done => true,
            Fault::PingTimeout(_) | Fault::HandshakeTimeout(_) => true,
            Fault::GoneAway { .. } => true,
            Fault::Refused { .. } => self == Who::Server,
            Fault::Unproven => true,
            _ => false,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Who::Client => "client",
            Who::Server => "server",
        })
    }
}
