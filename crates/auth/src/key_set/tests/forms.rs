//! Keys as libraries write them, each of which verifies what its private key signs.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    only,
    pairs::{ED25519, P256, PS256, Pair, RS256, base64url, new_p256},
    parse,
};

/// What stands beside a key, in a way that does not matter.
fn beside() -> Vec<Value> {
    vec![
        json!({}),
        json!({"kid": null}),
        json!({"kid": ""}),
        json!({"use": "sig"}),
        json!({"use": "sig", "key_ops": ["verify"]}),
        json!({"key_ops": ["sign", "verify"]}),
        json!({"x5c": ["MIIB\r\nAAAA\r\n"], "x5t": "AAAA", "x5t#S256": "?"}),
        json!({"x5c": "not a list", "x5t": 7, "x5u": "http://127.0.0.1:1/"}),
        json!({"iat": 1, "exp": 2, "ext": true, "issuer": "x", "unknown": {"d": "?"}}),
    ]
}

/// Each octet string of the key in other alphabets, and with padding.
fn encoded(pair: &Pair) -> Vec<Value> {
    let members = ["n", "e", "x", "y"].into_iter().filter(|name| pair.public(json!({})).get(name).is_some());
    let members: Vec<_> = members.map(|name| (name, pair.octets(name))).collect();
    let each = |write: &dyn Fn(&[u8]) -> String| {
        Value::Object(members.iter().map(|(name, octets)| ((*name).into(), write(octets).into())).collect())
    };
    let standard = |octets: &[u8]| BASE64_STANDARD.encode(octets);
    vec![
        each(&standard),
        each(&|octets| standard(octets).trim_end_matches('=').to_owned()),
        each(&|octets| standard(octets).replace('+', "-").replace('/', "_")),
    ]
}

/// The members that are numbers, with zero octets in front of them.
fn with_zeros(pair: &Pair, names: [&'static str; 2]) -> Vec<Value> {
    let each = |zeros: usize| {
        let write = |name: &str| base64url(&[vec![0; zeros], pair.octets(name)].concat());
        json!({names[0]: write(names[0]), names[1]: write(names[1])})
    };
    vec![each(1), each(300)]
}

#[test]
fn every_key_that_is_used_verifies_what_its_private_key_signs() {
    let names = |names: &[&str]| names.iter().map(|name| json!({"alg": name})).collect::<Vec<_>>();
    let unnamed = vec![json!({"alg": null})];
    let forms: [(&Pair, Vec<Vec<Value>>); 4] = [
        (&ED25519, vec![beside(), encoded(&ED25519), names(&["EdDSA", "Ed25519"]), unnamed.clone()]),
        (
            &P256,
            vec![beside(), encoded(&P256), names(&["ES256"]), unnamed.clone(), with_zeros(&P256, ["x", "y"])],
        ),
        (&RS256, vec![beside(), encoded(&RS256), names(&["RS256"]), unnamed, with_zeros(&RS256, ["n", "e"])]),
        (&PS256, vec![beside(), encoded(&PS256), with_zeros(&PS256, ["n", "e"])]),
    ];
    for (pair, forms) in forms {
        let signature = pair.sign("header.claims");
        for changes in forms.into_iter().flatten() {
            let key = pair.public(changes);
            let (keys, skipped) =
                parse(std::slice::from_ref(&key)).unwrap_or_else(|error| panic!("{key}: {error}"));
            assert_eq!(skipped, [], "{key}");
            let key = keys.find(key["kid"].as_str(), pair.algorithm).unwrap();
            assert_eq!(key.verify("header.claims", &signature), Ok(()), "{key:?}");
            assert!(key.verify("header.others", &signature).is_err(), "{key:?}");
        }
    }
}

#[test]
fn a_coordinate_may_lack_the_zero_octets_that_it_begins_with() {
    // One key in 128 has such a coordinate.
    let pair = std::iter::repeat_with(new_p256)
        .find(|pair| pair.octets("x")[0] == 0 || pair.octets("y")[0] == 0)
        .unwrap();
    let short = |name: &str| {
        let octets = pair.octets(name);
        base64url(octets.strip_prefix(&[0]).unwrap_or(&octets))
    };
    let (keys, _) = parse(&[pair.public(json!({"x": short("x"), "y": short("y")}))]).unwrap();
    let key = keys.find(Some("1"), pair.algorithm).unwrap();
    assert_eq!(key.verify("a.b", &pair.sign("a.b")), Ok(()));
}

#[test]
fn the_algorithm_is_the_one_that_the_key_names_or_else_the_usual_one_of_its_kind() {
    for (pair, named, algorithm) in [
        (&*ED25519, json!("EdDSA"), "EdDSA"),
        (&*ED25519, json!("Ed25519"), "EdDSA"),
        (&*ED25519, json!(null), "EdDSA"),
        (&*P256, json!(null), "ES256"),
        (&*RS256, json!(null), "RS256"),
        (&*RS256, json!("PS256"), "PS256"),
    ] {
        assert_eq!(only(&pair.public(json!({"alg": named}))), Ok(algorithm), "{named}");
    }
}
