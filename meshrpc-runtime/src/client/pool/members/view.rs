//! What calls see of the members.

use std::{sync::Arc, time::Instant};

use super::{
    Members,
    member::{Dial, Member},
    proxy::Proxy,
};
use crate::client::pool::{
    snapshot::{MemberView, Snapshot, State},
    trouble::Trouble,
};

impl<C: Clone> Members<C> {
    /// What calls choose from.
    pub(crate) fn snapshot(&self, now: Instant) -> Snapshot<C> {
        let view = |(name, member): (&Arc<str>, &Member<C>)| MemberView {
            name: Arc::clone(name),
            weight: member.weight,
            ejected: self.ejections.is_ejected(name, now),
            state: self.state(name, member),
            trouble: self.trouble(name, member).cloned(),
            chosen: member.chosen,
            on_demand: member.wanted,
            interest: (!member.chosen).then(|| Arc::clone(&member.interest)),
        };
        let members = self.by_name.iter().map(view).collect();
        Snapshot::new(members, self.registry.clone(), self.empty_since)
    }

    fn state(&self, name: &str, member: &Member<C>) -> State<C> {
        if !member.lanes.is_empty() {
            let lanes = member.lanes.iter();
            return State::Connected(lanes.map(|lane| lane.connection.clone()).collect());
        }
        if !member.is_sought() {
            return State::Outside;
        }
        let soon = match &member.direct {
            // The first wait is so short that it is as good as a dial.
            Some(direct) => matches!(direct.dial, Dial::UnderWay(_)) || direct.backoff.is_first(),
            None => self.proxies_of(name).any(|proxy| proxy.under_way > 0),
        };
        if soon {
            State::Dialling
        } else {
            State::BackingOff
        }
    }

    fn trouble<'a>(&'a self, name: &str, member: &'a Member<C>) -> Option<&'a Trouble> {
        if let Some(direct) = &member.direct {
            return direct.explanation.as_ref().or(member.trouble.as_ref());
        }
        let of_proxy = self.proxies_of(name).find_map(Proxy::trouble);
        of_proxy.or(member.trouble.as_ref())
    }

    fn proxies_of(&self, name: &str) -> impl Iterator<Item = &Proxy> {
        let proxies = self.proxies.values();
        proxies.filter(move |proxy| proxy.expected.contains(name))
    }
}
