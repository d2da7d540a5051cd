//! What this process registers: services, and what carries its upstreams.
//!
//! A registration is *up* when a call would pass, which takes this order: the application listens;
//! it is registered, its sidecar critical; the sidecar is started and its port answers; the
//! sidecar's check passes; and the registration's own id is in the list that clients follow. Then it
//! is kept: its checks are beaten every second, and an agent that has forgotten it is told again.
//! Any step that fails takes down what the steps before it have put up.
//!
//! - `template`: what is registered
//! - `name`: stable names of instances, and ids
//! - `port`: ports for sidecars
//! - `registered`: all registrations of a mesh
//! - `setting`: what all registrations of a mesh have in common
//! - `kept`: one registration, as the agent has it or is to have it
//! - `beat`: its checks
//! - `running`: its life, from nothing to up to gone
//! - `advert`: the registration of a server

mod advert;
mod beat;
mod kept;
mod name;
mod port;
mod registered;
mod running;
mod setting;
mod template;

pub(crate) use advert::{ConsulAdvert, application};
pub(crate) use kept::{Application, Draft, Kept};
pub(crate) use name::{Slot, id};
pub(crate) use port::{Ports, Reservation};
pub(crate) use registered::{Entry, Registered};
pub(crate) use running::{Running, part};
pub(crate) use setting::Setting;
pub use template::Template;
