use std::fs;

use serde_json::{Value, json};

use super::*;

fn lookup(connect: bool) -> Lookup {
    Lookup {
        service: "greeter".to_owned(),
        connect,
        passing: true,
    }
}

fn endpoints(entries: &Value, connect: bool) -> Vec<Endpoint> {
    let entries: Vec<Entry> = serde_json::from_value(entries.clone()).unwrap();
    let listing = async {
        Listing::default()
            .endpoints(entries, &lookup(connect))
            .await
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(listing)
}

fn names(endpoints: &[Endpoint]) -> Vec<String> {
    let instance = |endpoint: &Endpoint| endpoint.instance.as_ref().unwrap().name.to_string();
    endpoints.iter().map(instance).collect()
}

fn tcp(text: &str) -> Address {
    Address::Tcp(text.parse().unwrap())
}

fn ours(name: &str, epoch: u64, port: u16) -> Value {
    json!({
        "Node": {"Node": "n1", "Address": "127.0.0.1"},
        "Service": {
            "ID": format!("{name}-x-{epoch}"), "Service": "greeter", "Address": "10.0.0.5", "Port": port,
            "Meta": {"meshrpc-instance": name, "meshrpc-epoch": epoch.to_string(), "zone": "z1"},
            "Weights": {"Passing": 3, "Warning": 1},
        },
        "Checks": [],
    })
}

#[test]
fn an_instance_of_this_crate_has_its_own_name_epoch_weight_and_zone() {
    let [endpoint] = &endpoints(&json!([ours("greeter-0", 7, 4000)]), false)[..] else {
        panic!();
    };
    let expected = Endpoint {
        dial: tcp("10.0.0.5:4000"),
        instance: Some(Instance {
            name: "greeter-0".into(),
            epoch: 7,
        }),
        via: Via::Direct,
        weight: 3,
        zone: Some("z1".into()),
    };
    assert_eq!(*endpoint, expected);
}

#[test]
fn a_service_that_somebody_else_registered_has_the_name_of_its_id() {
    let entries = json!([
        {"Node": {"Node": "n1", "Address": "10.0.0.1"}, "Service": {"ID": "web-1", "Address": "", "Port": 80, "Meta": null}},
        {"Node": {"Node": "n2", "Address": "fd00::1"}, "Service": {"ID": "web-2", "Address": "", "Port": 81}},
        {"Node": {"Node": "n3", "Address": "10.0.0.3"}, "Service": {"ID": "web-3", "Address": "::1", "Port": 82}},
    ]);
    let endpoints = endpoints(&entries, false);
    assert_eq!(names(&endpoints), ["web-1", "web-2", "web-3"]);
    let dials: Vec<_> = endpoints
        .iter()
        .map(|endpoint| endpoint.dial.clone())
        .collect();
    assert_eq!(
        dials,
        [tcp("10.0.0.1:80"), tcp("[fd00::1]:81"), tcp("[::1]:82")]
    );
    let epochs = endpoints
        .iter()
        .map(|endpoint| endpoint.instance.as_ref().unwrap().epoch);
    assert!(epochs.eq([0, 0, 0]));
}

#[test]
fn ids_that_two_nodes_share_are_told_apart_by_the_node() {
    let entry = |node: &str| json!({"Node": {"Node": node, "Address": "10.0.0.1"}, "Service": {"ID": "web", "Port": 80}});
    let endpoints = endpoints(&json!([entry("n1"), entry("n2")]), false);
    assert_eq!(names(&endpoints), ["web@n1", "web@n2"]);
}

#[test]
fn of_two_boots_under_one_name_the_later_is_meant() {
    for boots in [[7, 9], [9, 7]] {
        let entries = boots.map(|epoch| ours("greeter-0", epoch, 4000 + epoch as u16));
        let endpoints = endpoints(&json!(entries), false);
        assert_eq!(names(&endpoints), ["greeter-0"]);
        assert_eq!(endpoints[0].dial, tcp("10.0.0.5:4009"));
    }
}

#[test]
fn a_sidecar_is_named_after_what_it_stands_for() {
    let entries = json!([{
        "Node": {"Node": "n1", "Address": "10.0.0.1"},
        "Service": {
            "Kind": "connect-proxy", "ID": "web-1-sidecar-proxy", "Port": 21000,
            "Proxy": {"DestinationServiceName": "web", "DestinationServiceID": "web-1"},
        },
    }]);
    let endpoints = endpoints(&entries, true);
    assert_eq!(names(&endpoints), ["web-1"]);
    let service = "greeter".into();
    assert_eq!(endpoints[0].via, Via::Sidecar { service });
}

#[test]
fn what_nobody_can_dial_is_left_out() {
    let entry = |address: &str, port: i64| json!({"Node": {"Address": ""}, "Service": {"ID": format!("{address}:{port}"), "Address": address, "Port": port}});
    let entries = json!([
        entry("10.0.0.1", 70000),
        entry("10.0.0.1", 0),
        entry("10.0.0.1", -1),
        entry("", 80),
        entry("0.0.0.0", 80),
        entry("no such host.invalid", 80),
        {"Service": {"ID": "s", "SocketPath": "relative.sock"}},
        {},
        null,
        entry("10.0.0.1", 80),
    ]);
    let entries: Vec<Value> = entries
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| !entry.is_null())
        .cloned()
        .collect();
    assert_eq!(names(&endpoints(&json!(entries), false)), ["10.0.0.1:80"]);
}

#[test]
fn a_host_name_and_a_socket_can_be_dialled() {
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    assert!(hosts.contains("localhost"), "a machine knows its own name");
    let entries = json!([
        {"Service": {"ID": "a", "Address": "localhost", "Port": 80}},
        {"Service": {"ID": "b", "SocketPath": "/run/b.sock"}},
    ]);
    let endpoints = endpoints(&entries, false);
    assert_eq!(endpoints[0].dial, tcp("127.0.0.1:80"));
    assert_eq!(endpoints[1].dial, Address::Unix("/run/b.sock".into()));
}

#[test]
fn weights_stay_within_bounds() {
    for (weight, expected) in [(0_i64, 1), (-5, 1), (1, 1), (1_i64 << 40, 65_535)] {
        let mut entry = ours("a", 1, 1);
        entry["Service"]["Weights"]["Passing"] = json!(weight);
        assert_eq!(endpoints(&json!([entry]), false)[0].weight, expected);
    }
}
