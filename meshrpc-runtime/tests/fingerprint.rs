//! Fingerprints: equal for equal types, different for different ones.

use std::collections::HashSet;

use meshrpc::contract::{MethodSpec, ServiceSpec};
use serde::de::DeserializeOwned;

/// Fingerprint of a method that answers with a `T`.
fn fingerprint<T: DeserializeOwned>() -> u64 {
    MethodSpec::unary("get", 1, &[], |schema| schema.reply::<T>()).fingerprint()
}

/// The type the following tests change in one point each.
mod card {
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[allow(dead_code)]
    pub(crate) struct Card {
        pub(crate) id: u32,
        pub(crate) owner: Owner,
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    pub(crate) enum Owner {
        Nobody,
        Person { name: String },
    }
}

macro_rules! variation {
    ($module:ident: struct $card:tt enum $owner:tt) => {
        mod $module {
            #[derive(serde::Deserialize)]
            #[allow(dead_code)]
            pub(crate) struct Card $card
            #[derive(serde::Deserialize)]
            #[allow(dead_code)]
            pub(crate) enum Owner $owner
        }
    };
}

variation!(same: struct { pub(crate) id: u32, pub(crate) owner: Owner } enum { Nobody, Person { name: String } });
variation!(added: struct { pub(crate) id: u32, pub(crate) owner: Owner, pub(crate) extra: u8 } enum { Nobody, Person { name: String } });
variation!(renamed: struct { pub(crate) number: u32, pub(crate) owner: Owner } enum { Nobody, Person { name: String } });
variation!(reordered: struct { pub(crate) owner: Owner, pub(crate) id: u32 } enum { Nobody, Person { name: String } });
variation!(retyped: struct { pub(crate) id: u64, pub(crate) owner: Owner } enum { Nobody, Person { name: String } });
variation!(deep: struct { pub(crate) id: u32, pub(crate) owner: Owner } enum { Nobody, Person { name: Vec<u8> } });
variation!(variant: struct { pub(crate) id: u32, pub(crate) owner: Owner } enum { Nobody, Person { name: String }, Group });
variation!(variants_reordered: struct { pub(crate) id: u32, pub(crate) owner: Owner } enum { Person { name: String }, Nobody });
variation!(optional: struct { pub(crate) id: u32, pub(crate) owner: Option<Owner> } enum { Nobody, Person { name: String } });

#[test]
fn a_type_has_the_same_fingerprint_in_any_module() {
    assert_eq!(fingerprint::<card::Card>(), fingerprint::<same::Card>());
}

#[test]
fn any_change_of_a_type_changes_the_fingerprint() {
    let all = [
        fingerprint::<card::Card>(),
        fingerprint::<added::Card>(),
        fingerprint::<renamed::Card>(),
        fingerprint::<reordered::Card>(),
        fingerprint::<retyped::Card>(),
        fingerprint::<deep::Card>(),
        fingerprint::<variant::Card>(),
        fingerprint::<variants_reordered::Card>(),
        fingerprint::<optional::Card>(),
    ];
    let distinct: HashSet<u64> = all.into_iter().collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn fingerprints_do_not_change_between_builds() {
    // A change here means that old and new programs fall back to field names with each other.
    assert_eq!(fingerprint::<card::Card>(), CARD);
}

const CARD: u64 = 0xab1f_047c_d256_ed06;

#[test]
fn a_method_is_its_arguments_reply_and_error() {
    let methods = [
        MethodSpec::unary("a", 1, &["x", "y"], |s| {
            s.argument::<u8>();
            s.argument::<u8>();
            s.reply::<u8>();
        }),
        MethodSpec::unary("a", 1, &["y", "x"], |s| {
            s.argument::<u8>();
            s.argument::<u8>();
            s.reply::<u8>();
        }),
        MethodSpec::unary("a", 1, &["x"], |s| {
            s.argument::<(u8, u8)>();
            s.reply::<u8>();
        }),
        MethodSpec::unary("a", 1, &["x", "y"], |s| {
            s.argument::<u8>();
            s.argument::<u8>();
            s.reply::<u8>();
            s.error_text();
        }),
        MethodSpec::unary("a", 1, &["x", "y"], |s| {
            s.argument::<u8>();
            s.argument::<u8>();
            s.reply::<u8>();
            s.error::<String>();
        }),
    ];
    let distinct: HashSet<u64> = methods.iter().map(MethodSpec::fingerprint).collect();
    assert_eq!(distinct.len(), methods.len());
}

#[test]
fn the_offer_does_not_depend_on_the_order_of_the_methods() {
    static FORWARD: ServiceSpec = ServiceSpec {
        name: "Pair",
        methods: {
            static METHODS: [MethodSpec; 2] = [
                MethodSpec::unary("one", 1, &[], |s| s.reply::<u8>()),
                MethodSpec::unary("two", 2, &[], |s| s.reply::<serde_json::Value>()),
            ];
            &METHODS
        },
    };
    static BACKWARD: ServiceSpec = ServiceSpec {
        name: "Pair",
        methods: {
            static METHODS: [MethodSpec; 2] = [
                MethodSpec::unary("two", 2, &[], |s| s.reply::<serde_json::Value>()),
                MethodSpec::unary("one", 1, &[], |s| s.reply::<u8>()),
            ];
            &METHODS
        },
    };
    assert_eq!(FORWARD.offer().fingerprint, BACKWARD.offer().fingerprint);
    assert_eq!(FORWARD.offer().methods[1].fingerprint, 0);
    assert_ne!(FORWARD.offer().methods[0].fingerprint, 0);
}
