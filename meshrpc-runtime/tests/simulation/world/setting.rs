//! What a seed decides before anything happens: limits, habits, and what befalls the connection.

use std::time::Duration;

use fastrand::Rng;
use meshrpc::wire::Config;

use super::{damage::Damage, keys::Held, payload::LONGEST};

/// A run, as its seed draws it.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) client: Config,
    pub(crate) server: Config,
    pub(crate) keys: Held,
    /// How often each act is chosen, by its place in [`Act::ALL`].
    pub(crate) weights: Vec<u32>,
    /// The hands are shaken before anything else happens.
    pub(crate) shaken: bool,
    /// Acts before everybody goes on to the end.
    pub(crate) steps: usize,
    /// Most calls.
    pub(crate) calls: usize,
    /// Bytes that the server holds for calls, if it has a budget.
    pub(crate) budget: Option<u64>,
    /// Bytes that the kernels hold of one direction.
    pub(crate) pipe: usize,
    /// Most bytes in one read or write.
    pub(crate) piece: usize,
    /// Large chunks are read to where they stay.
    pub(crate) lands: bool,
    /// Most bytes of a body.
    pub(crate) longest: u64,
    /// One call in so many has a deadline; never if 0.
    pub(crate) deadlines: u32,
    /// What happens to the connection, and at which step.
    pub(crate) fates: Vec<(usize, Fate)>,
    /// How the connection ends if it lives on.
    pub(crate) farewell: Fate,
}

/// What happens to a connection beside its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The bytes under way are lost from any one on, and both sides learn it at some time.
    Lost,
    /// The server hears nothing more.
    DeafServer,
    /// The client hears nothing more.
    DeafClient,
    /// Neither hears anything more.
    Severed,
    /// A frame of the client does not arrive as it was sent.
    Upward(Damage),
    /// A frame of the server does not.
    Downward(Damage),
    /// The server drains.
    Drain,
    /// The client makes no new calls.
    Leave,
    /// The client's owner drops the connection.
    ClientDropped,
    /// The server's owner does.
    ServerDropped,
}

/// What may happen at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Call,
    Cancel,
    CallerWrites,
    CallerFinishes,
    CallerReads,
    CallerStopsReading,
    CallerStopsWriting,
    HandlerAnswers,
    HandlerReads,
    HandlerWrites,
    HandlerFinishes,
    HandlerStopsReading,
    HandlerEnds,
    ClientWrites,
    ServerWrites,
    ClientReads,
    ServerReads,
    WritesAreReported,
    ClientTimer,
    ServerTimer,
    TimePasses,
}

impl Act {
    pub(crate) const ALL: [(Act, u32); 21] = [
        (Act::Call, 10),
        (Act::Cancel, 2),
        (Act::CallerWrites, 8),
        (Act::CallerFinishes, 3),
        (Act::CallerReads, 8),
        (Act::CallerStopsReading, 1),
        (Act::CallerStopsWriting, 1),
        (Act::HandlerAnswers, 8),
        (Act::HandlerReads, 8),
        (Act::HandlerWrites, 8),
        (Act::HandlerFinishes, 3),
        (Act::HandlerStopsReading, 1),
        (Act::HandlerEnds, 2),
        (Act::ClientWrites, 14),
        (Act::ServerWrites, 14),
        (Act::ClientReads, 14),
        (Act::ServerReads, 14),
        (Act::WritesAreReported, 4),
        (Act::ClientTimer, 3),
        (Act::ServerTimer, 3),
        (Act::TimePasses, 4),
    ];
}

impl Setting {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let weights = Act::ALL
            .iter()
            .map(|(_, weight)| match rng.u32(0..8) {
                // Some acts are left out of a run, and some are all that it is about.
                0 => weight.div_ceil(8),
                1 => weight * 4,
                _ => *weight,
            })
            .collect();
        let steps = rng.usize(50..700);
        let fates = [(0.5, 0..steps), (0.1, 0..steps)]
            .into_iter()
            .filter_map(|(chance, at)| (rng.f64() < chance).then(|| (rng.usize(at), fate(rng))))
            .collect();
        Self {
            client: config(rng),
            server: config(rng),
            keys: Held::draw(rng),
            weights,
            shaken: rng.u8(0..8) > 0,
            steps,
            calls: *of(rng, &[2, 6, 15, 40]),
            budget: *of(rng, &[None, None, None, Some(20_000), Some(300_000)]),
            pipe: *of(rng, &[1_000, 20_000, 100_000, 1 << 22]),
            piece: *of(rng, &[100, 5_000, 70_000, 1 << 22]),
            lands: rng.u8(0..4) > 0,
            longest: *of(rng, &[40, 2_000, 40_000, 90_000, LONGEST / 2]),
            deadlines: *of(rng, &[0, 0, 6, 2]),
            fates,
            farewell: *of(rng, &[Fate::Drain, Fate::Leave]),
        }
    }
}

fn config(rng: &mut Rng) -> Config {
    let max_frame = *of(rng, &[16_384, 20_000, 65_536, 262_152]);
    let ms = |rng: &mut Rng, all: &[u64]| Duration::from_millis(*of(rng, all));
    Config {
        max_frame,
        max_message: *of(rng, &[1_000, 50_000, 1 << 27, 1 << 27]),
        max_streams: *of(rng, &[1, 2, 5, 1_024]),
        connection_window: *of(rng, &[64 << 10, 100_000, 300_000, 4 << 20]),
        stream_window: *of(rng, &[16 << 10, 40_000, 1 << 20]),
        inline_max: *of(rng, &[0, 1, 1_000, 8_000, 8_192]),
        ping_busy: ms(rng, &[1_000, 15_000]),
        ping_idle: ms(rng, &[2_000, 60_000]),
        ping_timeout: ms(rng, &[2_000, 10_000]),
        ping_min: ms(rng, &[0, 500, 5_000]),
        checksum: rng.bool(),
        ..Config::default()
    }
}

fn fate(rng: &mut Rng) -> Fate {
    let fates = [
        Fate::Lost,
        Fate::Lost,
        Fate::Lost,
        Fate::DeafServer,
        Fate::DeafClient,
        Fate::Severed,
        Fate::Drain,
        Fate::Drain,
        Fate::Drain,
        Fate::Leave,
        Fate::ClientDropped,
        Fate::ServerDropped,
    ];
    match rng.u8(0..16) {
        0..6 => {
            let damages = [
                Damage::Flipped,
                Damage::Missing,
                Damage::Twice,
                Damage::Readdressed,
            ];
            let damage = *of(rng, &damages);
            if rng.bool() {
                Fate::Upward(damage)
            } else {
                Fate::Downward(damage)
            }
        }
        _ => *of(rng, &fates),
    }
}

/// One of `all`.
fn of<'a, T>(rng: &mut Rng, all: &'a [T]) -> &'a T {
    &all[rng.usize(0..all.len())]
}
