//! What an agent knows of services on its own node. These work while its servers are away.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::{Agent, AgentError, CheckStatus, ServiceView, Trouble, request::Request};

impl Agent {
    /// Registers a service, or registers it again: what `registration`, the JSON of a service
    /// definition with `ID` and `Name`, does not name of its checks is removed.
    ///
    /// # Errors
    /// As [`Trouble`] says. 1.22 may have registered a service whose sidecar it has no port for:
    /// after an error, [`deregister`](Self::deregister).
    pub async fn register(&self, registration: &serde_json::Value) -> Result<(), AgentError> {
        let text = |field: &str| registration.get(field).and_then(|value| value.as_str());
        let name = text("Name").unwrap_or("a service without a name");
        let what = format!("registering {}", text("ID").unwrap_or(name));
        let request = Request::put("agent/service/register", what)
            .query("replace-existing-checks", "true")
            .needs(format!("service:write on {name}"));
        self.put(request, registration).await
    }

    /// Whether a registration may name a Unix socket that the service listens on. A version would
    /// tell only tokens that may ask for it; what is not a registration, having no name, is refused
    /// before any token is looked at, and for which reason tells as well.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn takes_sockets(&self) -> Result<bool, AgentError> {
        let what = "asking whether services may listen on Unix sockets";
        let request = Request::put("agent/service/register", what);
        let nameless = serde_json::json!({ "Name": "", "SocketPath": "/" });
        match self.put(request, &nameless).await {
            Err(AgentError {
                trouble: Trouble::Refused { text, .. },
                ..
            }) => Ok(!text.contains("SocketPath")),
            answer => answer.map(|()| false),
        }
    }

    /// Removes a service, its sidecar and their checks. One that is not there is no error.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn deregister(&self, id: &str) -> Result<(), AgentError> {
        let request = Request::put("agent/service/deregister", format!("deregistering {id}"))
            .segment(id)
            .needs(format!("service:write on the service of {id}"));
        match self.send(request).await {
            Err(error) if !error.is_unknown() => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives a TTL check a status, and its time again. A changed `output` wakes everybody who
    /// follows the service.
    ///
    /// # Errors
    /// As [`Trouble`] says; [`Trouble::Unknown`] if the agent has forgotten the check.
    pub async fn update_check(
        &self,
        check: &str,
        status: CheckStatus,
        output: &str,
    ) -> Result<(), AgentError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Update<'a> {
            status: CheckStatus,
            output: &'a str,
        }
        let request = Request::put("agent/check/update", format!("updating the check {check}"))
            .segment(check)
            .needs(format!("service:write on the service of {check}"));
        self.put(request, &Update { status, output }).await
    }

    /// Takes a service out of the lists of those that can be called, or puts it back. It reaches a
    /// sidecar only by the sidecar's own id. The reason is shown to whoever looks.
    ///
    /// # Errors
    /// As [`Trouble`] says; [`Trouble::Unknown`] if there is no such service.
    pub async fn maintenance(
        &self,
        id: &str,
        enable: bool,
        reason: &str,
    ) -> Result<(), AgentError> {
        let what = format!("maintenance of {id}");
        let request = Request::put("agent/service/maintenance", what)
            .segment(id)
            .query("enable", if enable { "true" } else { "false" })
            .query("reason", reason)
            .needs(format!("service:write on the service of {id}"));
        self.send(request).await.map(drop)
    }

    /// A service or sidecar of this node.
    ///
    /// # Errors
    /// As [`Trouble`] says; [`Trouble::Unknown`] if it is not there.
    pub async fn service(&self, id: &str) -> Result<ServiceView, AgentError> {
        self.value(self.about_service(id)).await
    }

    /// As [`service`](Self::service), once it differs from the one with this `content_hash`; after
    /// `wait` as it is.
    ///
    /// # Errors
    /// As [`service`](Self::service); [`Trouble::Unknown`] also when it is removed meanwhile.
    pub async fn service_changed(
        &self,
        id: &str,
        content_hash: &str,
        wait: Duration,
    ) -> Result<ServiceView, AgentError> {
        let request = self.about_service(id).query("hash", content_hash);
        self.value(request.waiting(self.wait_limit(wait))).await
    }

    fn about_service(&self, id: &str) -> Request {
        Request::get("agent/service", format!("asking for {id}"))
            .segment(id)
            .needs(format!("service:read on the service of {id}"))
    }

    /// Services and sidecars of this node that the token may read, by id. Without a token that may
    /// read any, the list is empty.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn services(&self) -> Result<BTreeMap<String, ServiceView>, AgentError> {
        let request = Request::get("agent/services", "listing the agent's services").large();
        let services: Option<_> = self.value(request.needs("service:read")).await?;
        Ok(services.unwrap_or_default())
    }

    /// Names of the services in the catalog that the token may read, with their tags.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub async fn catalog(&self) -> Result<BTreeMap<String, Vec<String>>, AgentError> {
        let request = Request::get("catalog/services", "listing the catalog")
            .query_if("dc", self.datacenter.as_deref())
            .needs("service:read")
            .large();
        let services: Option<_> = self.value(request).await?;
        Ok(services.unwrap_or_default())
    }

    async fn put(&self, request: Request, body: &impl Serialize) -> Result<(), AgentError> {
        let what = request.what.clone();
        match request.json(body) {
            // An answer has no body, whatever its content type says.
            Ok(request) => self.send(request).await.map(drop),
            Err(error) => {
                let reason = error.to_string();
                Err(self.error(what, Trouble::Local { reason }))
            }
        }
    }
}
