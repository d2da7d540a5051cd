//! How often a run came to what it is for.

/// How often a run came to what it is for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    pub(crate) calls: u64,
    pub(crate) replies: u64,
    pub(crate) streams_read_to_the_end: u64,
    pub(crate) streams_broken_off: u64,
    pub(crate) statuses: u64,
    pub(crate) overloaded: u64,
    pub(crate) too_large: u64,
    pub(crate) over_the_budget: u64,
    pub(crate) cancelled: u64,
    pub(crate) expired: u64,
    pub(crate) not_started: u64,
    pub(crate) perhaps_started: u64,
    pub(crate) started: u64,
    pub(crate) waited: u64,
    pub(crate) without_credit: u64,
    pub(crate) late_frames: u64,
    pub(crate) drained: u64,
    pub(crate) ping_timeouts: u64,
    pub(crate) lived_on: u64,
    pub(crate) landed: u64,
    pub(crate) damaged: u64,
    pub(crate) damage_found: u64,
    pub(crate) known_by_a_key: u64,
    pub(crate) unproven: u64,
    pub(crate) forged: u64,
}

impl Tally {
    /// Each count by its name.
    pub(crate) fn rows(&self) -> [(&'static str, u64); 26] {
        [
            ("steps", self.steps),
            ("calls", self.calls),
            ("replies", self.replies),
            ("streams read to the end", self.streams_read_to_the_end),
            ("streams that broke off", self.streams_broken_off),
            ("statuses", self.statuses),
            ("refused as overloaded", self.overloaded),
            ("too large", self.too_large),
            ("over the budget of bytes", self.over_the_budget),
            ("cancelled", self.cancelled),
            ("expired", self.expired),
            ("lost, not started", self.not_started),
            ("lost, perhaps started", self.perhaps_started),
            ("lost, started", self.started),
            ("waited for room", self.waited),
            ("steps without credit", self.without_credit),
            ("late frames", self.late_frames),
            ("drained", self.drained),
            ("ping timeouts", self.ping_timeouts),
            ("connections that lived on", self.lived_on),
            ("chunks read to where they stay", self.landed),
            ("damaged frames", self.damaged),
            ("connections ended by a damaged frame", self.damage_found),
            ("peers known by a key", self.known_by_a_key),
            ("peers without a key in common", self.unproven),
            ("forged handshakes", self.forged),
        ]
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        self.steps += other.steps;
        self.calls += other.calls;
        self.replies += other.replies;
        self.streams_read_to_the_end += other.streams_read_to_the_end;
        self.streams_broken_off += other.streams_broken_off;
        self.statuses += other.statuses;
        self.overloaded += other.overloaded;
        self.too_large += other.too_large;
        self.over_the_budget += other.over_the_budget;
        self.cancelled += other.cancelled;
        self.expired += other.expired;
        self.not_started += other.not_started;
        self.perhaps_started += other.perhaps_started;
        self.started += other.started;
        self.waited += other.waited;
        self.without_credit += other.without_credit;
        self.late_frames += other.late_frames;
        self.drained += other.drained;
        self.ping_timeouts += other.ping_timeouts;
        self.lived_on += other.lived_on;
        self.landed += other.landed;
        self.damaged += other.damaged;
        self.damage_found += other.damage_found;
        self.known_by_a_key += other.known_by_a_key;
        self.unproven += other.unproven;
        self.forged += other.forged;
    }
}
