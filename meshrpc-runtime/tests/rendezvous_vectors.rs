//! Golden vectors of session scores: part of the protocol, never to change. The figures come from
//! another implementation of xxh3.

use meshrpc::client::balance::{MAX_SESSION_KEY, ranked, score};

#[test]
fn scores_are_what_every_client_computes() {
    let (longest_key, longest_name) = ("k".repeat(MAX_SESSION_KEY), "n".repeat(128));
    for (key, name, expected) in [
        ("", "", 0xc44b_dff4_074e_ecdb),
        ("acct-7", "greeter-1", 0xfee9_319a_49f1_92c8),
        ("acct-7", "greeter-2", 0xc9ad_fec7_1d7b_c935),
        ("acct-7", "greeter-3", 0x1316_5689_6c05_81f1),
        ("42", "greeter-host-0", 0x6232_3395_e7bc_b3c9),
        ("sitzung-ä", "greeter-1", 0x7b61_b7ed_95e8_7629),
        (&longest_key, &longest_name, 0x8afa_b0b7_2f69_0c37),
    ] {
        assert_eq!(
            score(key, name),
            expected,
            "{key:?} at {name:?}: {:#018x}",
            score(key, name)
        );
    }
}

#[test]
fn a_session_prefers_the_highest_score() {
    assert_eq!(
        ranked("acct-7", &["greeter-3", "greeter-2", "greeter-1"]),
        [2, 1, 0]
    );
}
