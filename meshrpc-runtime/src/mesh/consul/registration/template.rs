//! What is registered, from a template that may be the user's.

use std::fmt::Display;

use serde_json::{Map, Value, json};

use super::super::placeholder;

/// A service definition in the JSON of the agent's interface, with `${name}` where something has to
/// be filled in.
///
/// | placeholder | what stands there |
/// |---|---|
/// | `${id}` | id of this process's registration; `ID` has to be this |
/// | `${service}` | name of the service; `Name` has to be this |
/// | `${instance}`, `${epoch}` | stable name of the instance, and its epoch |
/// | `${address}` | address that others reach this machine at |
/// | `${port}`, `${socket}` | port or Unix socket that the application listens on, whichever it is |
/// | `${sidecar_port}`, `${sidecar_host}` | port of the sidecar, and where on this machine it is found |
/// | `${host}`, `${pid}` | this machine's name, and this process |
///
/// A field whose whole value is a placeholder is left out where there is nothing to fill in, and is
/// a number where that is one: ports. `$$` stands for one `$`. `Connect` is left out where there are
/// no sidecars.
///
/// Checks with a `TTL` are kept passing by this process: those of the service while it serves,
/// those of the sidecar while its port answers. They need a `CheckID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Value);

/// What a template is filled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Values {
    pub(crate) id: String,
    pub(crate) service: String,
    pub(crate) instance: String,
    pub(crate) epoch: u64,
    pub(crate) address: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) socket: Option<String>,
    /// None where there are no sidecars.
    pub(crate) sidecar_port: Option<u16>,
    pub(crate) sidecar_host: String,
    pub(crate) host: String,
    pub(crate) pid: u32,
}

/// A registration, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) value: Value,
    /// Checks that this process keeps passing while it serves.
    pub(crate) ttl: Vec<String>,
    /// Checks that this process keeps passing while the sidecar answers.
    pub(crate) sidecar_ttl: Vec<String>,
}

const SERVER: &str = include_str!("server.json");
const CLIENT: &str = include_str!("client.json");

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it: it is no JSON object, has a placeholder that means nothing, or what
    /// it makes is no registration of ours.
    pub fn parse(text: &str) -> Result<Template, String> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("the registration template is no JSON: {error}"))?;
        let template = Template(value);
        // Everything that does not depend on what is filled in is found now.
        template.render(&Values::example())?;
        Ok(template)
    }

    /// What servers are registered as, unless the user says otherwise.
    pub(crate) fn server() -> Template {
        Template(serde_json::from_str(SERVER).unwrap_or_default())
    }

    /// What the registration is that carries the upstreams of this process.
    pub(crate) fn client() -> Template {
        Template(serde_json::from_str(CLIENT).unwrap_or_default())
    }

    pub(crate) fn render(&self, values: &Values) -> Result<Document, String> {
        let refused = |why: &str| Err(format!("the registration template is refused: {why}"));
        let Some(mut value) = fill(&self.0, values)? else {
            return refused("it is no object");
        };
        let Some(fields) = value.as_object_mut() else {
            return refused("it is no object");
        };
        if fields.get("ID").and_then(Value::as_str) != Some(&values.id) {
            return refused("`ID` has to be `${id}`, which is different for every process");
        }
        if fields.get("Name").and_then(Value::as_str) != Some(&values.service) {
            return refused("`Name` has to be `${service}`");
        }
        if values.sidecar_port.is_none() {
            fields.remove("Connect");
        }
        let mut ttl = ttl_checks(fields)?;
        let mut sidecar_ttl = Vec::new();
        if let Some(port) = values.sidecar_port {
            let sidecar = fields
                .get("Connect")
                .and_then(|connect| connect.get("SidecarService"))
                .and_then(Value::as_object);
            let Some(sidecar) = sidecar else {
                return refused("`Connect.SidecarService` is missing");
            };
            if sidecar.get("Port").and_then(Value::as_u64) != Some(port.into()) {
                return refused("`Connect.SidecarService.Port` has to be `${sidecar_port}`");
            }
            sidecar_ttl = ttl_checks(sidecar)?;
        }
        if ttl.is_empty() {
            return refused("the service has no check with a `TTL`: nobody would see it die");
        }
        ttl.dedup();
        Ok(Document {
            value,
            ttl,
            sidecar_ttl,
        })
    }
}

impl Document {
    /// Makes `upstreams` those of the sidecar.
    pub(crate) fn set_upstreams(&mut self, upstreams: Vec<Value>) {
        let proxy = self.sidecar().and_then(|sidecar| {
            let proxy = sidecar.entry("Proxy");
            let proxy = proxy.or_insert_with(|| Value::Object(Map::new()));
            proxy.as_object_mut()
        });
        if let Some(proxy) = proxy {
            proxy.insert("Upstreams".to_owned(), upstreams.into());
        }
    }

    /// Keeps service and sidecar from the lists of those that can be called. Unlike a check that
    /// fails, the one that does so does not remove them after a while.
    pub(crate) fn take_no_calls(&mut self, id: &str) {
        let add = |service: &mut Map<String, Value>, suffix: &str| {
            let checks = service
                .entry("Checks")
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Some(checks) = checks.as_array_mut() {
                checks.push(json!({
                    "CheckID": format!("{id}:{suffix}"),
                    "Name": "takes no calls",
                    "Notes": "It calls others under the name of a service that others serve.",
                    "TTL": "24h",
                    "Status": "critical",
                }));
            }
        };
        if let Some(service) = self.value.as_object_mut() {
            add(service, "client");
        }
        if let Some(sidecar) = self.sidecar() {
            add(sidecar, "sidecar-client");
        }
    }

    fn sidecar(&mut self) -> Option<&mut Map<String, Value>> {
        let connect = self.value.get_mut("Connect")?;
        connect.get_mut("SidecarService")?.as_object_mut()
    }
}

impl Values {
    fn value(&self, name: &str) -> Option<Option<&dyn Display>> {
        fn some<T: Display>(value: &Option<T>) -> Option<&dyn Display> {
            value.as_ref().map(|value| value as &dyn Display)
        }
        Some(match name {
            "id" => Some(&self.id),
            "service" => Some(&self.service),
            "instance" => Some(&self.instance),
            "epoch" => Some(&self.epoch),
            "address" => some(&self.address),
            "port" => some(&self.port),
            "socket" => some(&self.socket),
            "sidecar_port" => some(&self.sidecar_port),
            "sidecar_host" => Some(&self.sidecar_host),
            "host" => Some(&self.host),
            "pid" => Some(&self.pid),
            _ => return None,
        })
    }

    fn number(&self, name: &str) -> Option<u16> {
        match name {
            "port" => self.port,
            "sidecar_port" => self.sidecar_port,
            _ => None,
        }
    }

    fn example() -> Values {
        Values {
            id: "id".to_owned(),
            service: "service".to_owned(),
            instance: "instance".to_owned(),
            epoch: 1,
            address: Some("127.0.0.1".to_owned()),
            port: Some(1),
            socket: Some("/socket".to_owned()),
            sidecar_port: Some(2),
            sidecar_host: "127.0.0.1".to_owned(),
            host: "host".to_owned(),
            pid: 1,
        }
    }
}

/// `None` for a placeholder with nothing to fill in.
fn fill(template: &Value, values: &Values) -> Result<Option<Value>, String> {
    let unknown = |name: &str| {
        format!(
            "the registration template has a placeholder that means nothing: `{}`",
            name.escape_debug()
        )
    };
    Ok(Some(match template {
        Value::String(text) => {
            if let Some(name) = placeholder::sole(text) {
                let value = values.value(name).ok_or_else(|| unknown(name))?;
                return Ok(match values.number(name) {
                    Some(number) => Some(number.into()),
                    None => value.map(|value| value.to_string().into()),
                });
            }
            let value = |name: &str| match values.value(name)? {
                Some(value) => Some(value),
                None => Some(&"" as &dyn Display),
            };
            placeholder::fill(text, value)
                .map_err(|name| unknown(&name))?
                .into()
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| fill(item, values));
            let items: Vec<Option<Value>> = items.collect::<Result<_, _>>()?;
            Value::Array(items.into_iter().flatten().collect())
        }
        Value::Object(fields) => {
            let mut filled = Map::new();
            for (name, field) in fields {
                if let Some(field) = fill(field, values)? {
                    filled.insert(name.clone(), field);
                }
            }
            Value::Object(filled)
        }
        other => other.clone(),
    }))
}

/// The ids of all checks of a service that have a `TTL`.
fn ttl_checks(service: &Map<String, Value>) -> Result<Vec<String>, String> {
    let one = service.get("Check").into_iter();
    let many = service.get("Checks").and_then(Value::as_array);
    let mut ids = Vec::new();
    for check in one.chain(many.into_iter().flatten()) {
        if check.get("TTL").is_none() {
            continue;
        }
        match check.get("CheckID").and_then(Value::as_str) {
            Some(id) if !id.is_empty() => ids.push(id.to_owned()),
            _ => {
                return Err(
                    "the registration template is refused: a check with a `TTL` has no `CheckID`"
                        .to_owned(),
                );
            }
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_registered_with_its_sidecar_and_their_checks() {
        let mut values = Values::example();
        values.socket = None;
        let document = Template::server().render(&values).unwrap();
        assert_eq!(document.ttl, ["id:ttl"]);
        assert_eq!(document.sidecar_ttl, ["id:sidecar-ttl"]);
        let value = &document.value;
        assert_eq!(value["Port"], json!(1));
        assert_eq!(value["Meta"]["meshrpc-epoch"], json!("1"));
        assert_eq!(value["SocketPath"], Value::Null);
        let sidecar = &value["Connect"]["SidecarService"];
        assert_eq!(sidecar["Port"], json!(2));
        assert_eq!(sidecar["Checks"][1]["TCP"], json!("127.0.0.1:2"));
        assert!(!value.to_string().contains("Alias"));
    }

    #[test]
    fn without_sidecars_there_is_none() {
        let mut values = Values::example();
        values.sidecar_port = None;
        values.address = None;
        let document = Template::server().render(&values).unwrap();
        assert_eq!(document.value.get("Connect"), None);
        assert_eq!(document.value.get("Address"), None);
        assert!(document.sidecar_ttl.is_empty());
    }

    #[test]
    fn upstreams_are_those_that_are_set() {
        let mut document = Template::client().render(&Values::example()).unwrap();
        for upstreams in [vec![json!({"LocalBindPort": 7})], vec![]] {
            document.set_upstreams(upstreams.clone());
            let proxy = &document.value["Connect"]["SidecarService"]["Proxy"];
            assert_eq!(proxy["Upstreams"], Value::from(upstreams));
        }
    }

    #[test]
    fn a_template_of_the_users_keeps_what_it_says() {
        let text = r#"{"ID":"${id}","Name":"${service}","Meta":{"who":"${instance} of $$5"},
            "Check":{"CheckID":"x","TTL":"5s"},"Weights":{"Passing":3},
            "Connect":{"SidecarService":{"Port":"${sidecar_port}"}}}"#;
        let document = Template::parse(text).unwrap();
        let document = document.render(&Values::example()).unwrap();
        assert_eq!(document.value["Meta"]["who"], json!("instance of $5"));
        assert_eq!(document.value["Weights"]["Passing"], json!(3));
        assert_eq!(document.ttl, ["x"]);
    }

    #[test]
    fn a_template_that_could_not_work_is_refused_with_the_reason() {
        let connect = r#""Connect":{"SidecarService":{"Port":"${sidecar_port}"}}"#;
        let check = r#""Check":{"CheckID":"x","TTL":"5s"}"#;
        let names = r#""ID":"${id}","Name":"${service}""#;
        for (text, word) in [
            ("{".to_owned(), "no JSON"),
            ("[]".to_owned(), "no object"),
            (
                format!(r#"{{"Name":"${{service}}",{check},{connect}}}"#),
                "`ID`",
            ),
            (
                format!(r#"{{"ID":"greeter","Name":"${{service}}",{check},{connect}}}"#),
                "`ID`",
            ),
            (
                format!(r#"{{"ID":"${{id}}","Name":"x",{check},{connect}}}"#),
                "`Name`",
            ),
            (format!("{{{names},{connect}}}"), "`TTL`"),
            (
                format!(r#"{{{names},"Check":{{"TTL":"5s"}},{connect}}}"#),
                "`CheckID`",
            ),
            (format!("{{{names},{check}}}"), "SidecarService"),
            (
                format!(r#"{{{names},{check},"Tags":["${{tag}}"],{connect}}}"#),
                "`tag`",
            ),
            (
                format!(r#"{{{names},{check},"Connect":{{"SidecarService":{{"Port":21000}}}}}}"#),
                "`${sidecar_port}`",
            ),
        ] {
            let refusal = Template::parse(&text).unwrap_err();
            assert!(refusal.contains(word), "{text}: {refusal}");
        }
    }
}
