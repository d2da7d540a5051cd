//! A service that is started by hand.

use std::sync::Arc;

use crate::{
    blocking,
    discovery::{Address, Instance},
    mesh::{
        boot_epoch,
        consul::{
            ConsulError, Template,
            registration::{self, Draft, Kept, Running, Setting, Slot},
        },
        name,
    },
};

/// Something that listens on this machine, and is to be a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub(super) name: String,
    address: Address,
    instance: Option<String>,
    template: Option<Template>,
}

/// Whether there was anything to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Started {
    /// It was started.
    New,
    /// It had been.
    Already,
}

impl Service {
    /// A service `name` that listens at `address`, where its sidecar will find it.
    pub fn new(name: &str, address: Address) -> Self {
        Self {
            name: name.to_owned(),
            address,
            instance: None,
            template: None,
        }
    }

    /// Gives the instance a stable name; one is chosen unless it has one.
    #[must_use = "it returns the service"]
    pub fn instance(mut self, name: &str) -> Self {
        self.instance = Some(name.to_owned());
        self
    }

    /// What it is registered as, instead of what the mesh URL says.
    #[must_use = "it returns the service"]
    pub fn template(mut self, template: Template) -> Self {
        self.template = Some(template);
        self
    }

    pub(super) async fn run(&self, setting: &Arc<Setting>) -> Result<Running, ConsulError> {
        let invalid = |error: crate::Error| ConsulError::Invalid(error.to_string());
        let application = registration::application(&self.address, setting.proxy.as_ref());
        let application = application.map_err(invalid)?;
        let (instance, slot) = match &self.instance {
            Some(name) => {
                name::check("the instance", name).map_err(invalid)?;
                (name.clone(), None)
            }
            None => {
                let slot = Slot::choose(setting, &self.name).await.map_err(invalid)?;
                (slot.name.clone(), Some(slot))
            }
        };
        let draft = Draft {
            service: self.name.clone(),
            id: registration::id(&self.name),
            instance: Instance {
                name: instance.into(),
                epoch: boot_epoch(),
            },
            application,
            template: self.template.as_ref().unwrap_or(&setting.server).clone(),
        };
        let kept = Kept::new(Arc::clone(setting), draft).await?;
        // Its life is that of the mesh, and not that of a runtime of the program's.
        let runtime = blocking::io().map_err(invalid)?;
        Running::up(kept, slot, true, &runtime).await
    }
}
