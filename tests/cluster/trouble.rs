//! What may go wrong with an instance.

use std::{sync::atomic::Ordering, time::Duration};

use fastrand::Rng;
use tokio::time::sleep;

use crate::town::Town;

/// Something that goes wrong, and is mended after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is stopped in good order, and started again.
    Restart,
    /// It is killed. If it is not `noticed`, the registry goes on listing it; its machine may be
    /// `gone` too, so that nobody answers there, not even with a refusal.
    Kill { noticed: bool, gone: bool },
    /// It does not run, and is connected.
    Stall,
    /// The registry does not list it.
    Hide,
    /// The registry lists it under the address of this one.
    Swap(usize),
    /// Its answers take time.
    Slow,
    /// It says that it is unavailable.
    Sick,
    /// Its connections end.
    Cut,
    /// Nobody can ask the registry.
    Silence,
}

impl Trouble {
    pub(crate) fn any(rng: &mut Rng, hosts: usize) -> Self {
        match rng.u8(..12) {
            0 | 1 => Trouble::Restart,
            2..4 => Trouble::Kill {
                noticed: rng.bool(),
                gone: rng.bool(),
            },
            4 => Trouble::Stall,
            5 => Trouble::Hide,
            6 => Trouble::Swap(rng.usize(..hosts)),
            7 => Trouble::Slow,
            8 | 9 => Trouble::Sick,
            10 => Trouble::Cut,
            _ => Trouble::Silence,
        }
    }

    /// Happens to `host`, for so long.
    pub(crate) async fn happen(self, town: &Town, host: usize, time: Duration) {
        let at = &town.hosts[host];
        match self {
            Trouble::Restart => {
                town.stop(host).await;
                sleep(time).await;
                town.start(host).await;
            }
            Trouble::Kill { noticed, gone } => {
                if !noticed {
                    town.directory.keep(&at.name);
                }
                town.kill(host, gone).await;
                sleep(time).await;
                town.restart(host).await;
            }
            Trouble::Stall => town.stall(host, time).await,
            Trouble::Hide => {
                at.excuse(time);
                town.directory.hide(&at.name);
                sleep(time).await;
                town.directory.be_true(&at.name);
            }
            Trouble::Swap(other) => {
                at.excuse(time);
                town.directory.swap(&at.name, &town.hosts[other].name);
                sleep(time).await;
                town.directory.be_true(&at.name);
            }
            Trouble::Slow => {
                let slow = &at.drawer.slow;
                slow.store(time.as_millis() as u64 / 8, Ordering::Relaxed);
                sleep(time).await;
                slow.store(0, Ordering::Relaxed);
            }
            Trouble::Sick => {
                town.fall_sick(host);
                sleep(time).await;
                town.cure(host);
            }
            Trouble::Cut => town.wires.cut(&at.name),
            Trouble::Silence => {
                town.directory.fall_silent();
                sleep(time).await;
                town.directory.speak();
                // What they did not hear of, they learn of now.
                town.hosts.iter().for_each(crate::town::Host::aftermath);
            }
        }
        at.aftermath();
    }
}
