//! What an agent is started with.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{MASTER, Ports, Start};
use crate::real::Release;

impl Start {
    pub(super) fn settings(&self, ports: &Ports, folder: &Path) -> Value {
        let mut settings = json!({
            "node_name": format!("node-{}", ports.http),
            "bind_addr": self.met_at,
            "client_addr": self.asked_at,
            "disable_update_check": true,
            "connect": {"enabled": true},
            // Elections are for slower networks by default.
            "performance": {"raft_multiplier": 1},
            "ports": {
                "http": ports.http, "grpc": ports.grpc, "server": ports.server,
                "serf_lan": ports.serf, "serf_wan": -1, "dns": -1, "https": -1,
            },
        });
        if self.consul.release >= Release::V1_22 {
            merge(&mut settings, json!({"ports": {"grpc_tls": -1}}));
        }
        if let Some(range) = &self.sidecar_ports {
            let (first, last) = (range.start(), range.end());
            let range = json!({"ports": {"sidecar_min_port": first, "sidecar_max_port": last}});
            merge(&mut settings, range);
        }
        if self.kept {
            let own = json!({"server": true, "bootstrap": true, "data_dir": folder.join("data")});
            merge(&mut settings, own);
        }
        if let Some(server) = &self.server {
            let join = json!({"retry_join": [server.to_string()], "data_dir": folder.join("data")});
            merge(&mut settings, join);
        }
        if self.secured {
            let name = match self.consul.release {
                Release::V1_8 => "master",
                Release::V1_22 => "initial_management",
            };
            let acl = json!({"acl": {
                "enabled": true,
                "default_policy": "deny",
                "enable_token_persistence": true,
                "tokens": {name: MASTER, "agent": MASTER},
            }});
            merge(&mut settings, acl);
        }
        for more in &self.more {
            merge(&mut settings, more.clone());
        }
        settings
    }
}

/// Adds `more`; its values win.
fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => add(into, more),
        (into, more) => *into = more,
    }
}

fn add(into: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        merge(into.entry(name).or_insert(Value::Null), value);
    }
}
