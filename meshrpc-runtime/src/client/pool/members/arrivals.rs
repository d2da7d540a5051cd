//! Connections that came of dials.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Action, Answered, DialId, Members, Way,
    member::{Dial, Lane, Member},
};
use crate::client::pool::counters::Counters;

/// How long a connection to an instance that is not listed is kept: the proxy knew of it earlier
/// than the registry's list came.
const UNLISTED: Duration = Duration::from_secs(10);
/// So many of them.
const MOST_UNLISTED: usize = 16;

impl<C: Clone> Members<C> {
    /// A dial and its handshake succeeded. `random` in 0..1 jitters a back-off.
    pub(crate) fn connected(
        &mut self,
        id: DialId,
        answered: Answered<C>,
        now: Instant,
        random: f64,
    ) -> Vec<Action<C>> {
        let mut actions = match self.dials.remove(&id) {
            None => vec![Action::Retire(answered.connection)],
            Some(Way::Direct(name)) => self.arrived(&name, id, answered, now, random),
            Some(Way::Proxy(address)) => {
                if let Some(proxy) = self.proxies.get_mut(&address) {
                    proxy.answered();
                }
                self.met(id, answered, now)
            }
        };
        actions.extend(self.due(now));
        actions
    }

    /// The dial of an instance's own address succeeded.
    fn arrived(
        &mut self,
        name: &str,
        id: DialId,
        answered: Answered<C>,
        now: Instant,
        random: f64,
    ) -> Vec<Action<C>> {
        let retire = Action::Retire(answered.connection.clone());
        let Some(member) = self.by_name.get_mut(name) else {
            return vec![retire];
        };
        let Some(direct) = &mut member.direct else {
            return vec![retire];
        };
        if member.epoch.is_some() && *answered.name != *name {
            let address = &direct.endpoint.dial;
            let trouble = format!("{address} was reused: `{}` answers there", answered.name);
            direct.back_off(now, random);
            member.trouble = Some(trouble.as_str().into());
            Counters::count(&self.terms.counters.failed_dials);
            return vec![retire];
        }
        direct.dial = Dial::Idle;
        direct.explanation = None;
        if !member.is_sought() {
            return vec![retire];
        }
        // Whoever answers at its address now is it, whatever the registry knows.
        let epoch = answered.epoch.max(member.epoch.unwrap_or_default());
        let lane = self.terms.lane(id, answered.connection, epoch, now);
        Counters::count(&self.terms.counters.met);
        member.take(lane, self.terms.connections())
    }

    /// A proxy led to somebody.
    pub(super) fn met(
        &mut self,
        id: DialId,
        answered: Answered<C>,
        now: Instant,
    ) -> Vec<Action<C>> {
        let Answered {
            connection,
            name,
            epoch,
        } = answered;
        let counters = Arc::clone(&self.terms.counters);
        let lane = self.terms.lane(id, connection, epoch, now);
        let (used, most) = (self.used(), self.terms.connections());
        let Some(member) = self.by_name.get_mut(&name) else {
            Counters::count(&counters.unlisted);
            return self.keep_for_later(lane, name, now);
        };
        let newest = member.lanes.iter().map(|lane| lane.epoch).max();
        if newest
            .max(member.epoch)
            .is_some_and(|newest| epoch < newest)
        {
            Counters::count(&counters.stale);
            return vec![Action::Retire(lane.connection)];
        }
        let enough = newest == Some(epoch) && member.fresh() >= most;
        // Better somebody else than nobody, until those are met that the client is to call.
        let no_room = !member.is_sought() && newest.is_none() && used >= self.terms.subset();
        if enough || no_room {
            Counters::count(&counters.surplus);
            return vec![Action::Retire(lane.connection)];
        }
        Counters::count(&counters.met);
        let mut actions = member.take(lane, most);
        if self.used() > self.terms.subset() {
            let mut members = self.by_name.values_mut();
            let stand_in = members.find(|member| member.is_stand_in());
            actions.extend(stand_in.into_iter().flat_map(Member::retire_all));
        }
        actions
    }

    fn keep_for_later(&mut self, lane: Lane<C>, name: Arc<str>, now: Instant) -> Vec<Action<C>> {
        let known = |(kept, of): &(Lane<C>, Arc<str>)| *of == name && kept.epoch == lane.epoch;
        if self.unlisted.len() >= MOST_UNLISTED || self.unlisted.iter().any(known) {
            return vec![Action::Retire(lane.connection)];
        }
        let until = Some(now + UNLISTED);
        self.unlisted.push((Lane { until, ..lane }, name));
        Vec::new()
    }

    /// Instances that calls without a session go to.
    fn used(&self) -> usize {
        let members = self.by_name.values();
        members
            .filter(|member| !member.lanes.is_empty() && !member.wanted)
            .count()
    }
}
