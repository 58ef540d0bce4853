//! A key set has only keys that can be used, each told from the others, and none that is secret.

use std::collections::HashSet;

use serde_json::Value;
use task_api::parsers::object as parse_object;
use task_auth::KeySet;

pub(crate) fn read(input: &[u8]) -> bool {
    // A byte order mark in front is no part of the set.
    let set = parse_object(input.strip_prefix("\u{feff}".as_bytes()).unwrap_or(input)).ok();
    let entries = set.as_ref().and_then(|set| set.get("keys")).and_then(Value::as_array);
    let Ok((keys, skipped)) = KeySet::parse(input) else { return false };
    let Some(entries) = entries else { unreachable!("a set without `keys` was taken") };
    assert_eq!(KeySet::parse(input).as_ref(), Ok(&(keys, skipped.clone())), "it is another one each time");
    let Ok((keys, _)) = KeySet::parse(input) else { return false };

    let unused: HashSet<_> = skipped.iter().map(|key| key.index).collect();
    let used: Vec<_> = (0..entries.len()).filter(|index| !unused.contains(index)).collect();
    let told: Vec<_> = keys.ids_and_algorithms().collect();
    assert_eq!(used.len(), told.len());
    assert!((1..=100).contains(&used.len()));
    let mut ids = HashSet::new();
    for (index, (id, algorithm)) in used.into_iter().zip(told) {
        let entry = &entries[index];
        assert_eq!(entry.get("kid").and_then(Value::as_str), id);
        assert!(
            id.is_none_or(|id| ids.insert((id, algorithm))),
            "two keys for {algorithm} have the id {id:?}"
        );
        let kind = entry.get("kty").and_then(Value::as_str).unwrap_or_default();
        let fits =
            matches!((kind, algorithm), ("OKP", "EdDSA") | ("EC", "ES256") | ("RSA", "RS256" | "PS256"));
        assert!(fits, "a key of the kind {kind:?} for {algorithm}");
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(entry.get(name).is_none(), "a secret key is used");
        }
        assert!(entry.get("use").is_none_or(|of| of == "sig"));
    }
    true
}
