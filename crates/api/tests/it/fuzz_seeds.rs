//! The targets of `cargo xtask fuzz`, with the seeds that it begins with and what is near to them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proptest::{prelude::*, sample::Index};
use task_api::fuzzing::{self, Target};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// What the entries of a folder are called, without their extensions.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn seeds(target: Target) -> Vec<Vec<u8>> {
    let folder = fuzz().join("seeds").join(target.name());
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn every_target_has_a_program_seeds_and_words() {
    let expected: BTreeSet<_> = fuzzing::ALL.iter().map(|target| target.name().to_owned()).collect();
    for folder in ["fuzz_targets", "seeds", "dictionaries"] {
        assert_eq!(names(folder), expected, "{folder}");
    }
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in expected {
        assert!(manifest.contains(&format!("[[bin]]\nname = \"{name}\"\n")), "{name}");
        let program = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("fuzzing::{}.read", name.to_uppercase())), "{name}");
    }
}

#[test]
fn of_the_seeds_of_each_target_some_are_taken_and_some_refused() {
    for target in fuzzing::ALL {
        let outcomes: BTreeSet<_> = seeds(target).iter().map(|seed| target.read(seed)).collect();
        assert_eq!(outcomes, BTreeSet::from([false, true]), "{}", target.name());
    }
}

#[test]
fn a_shortened_seed_breaks_nothing() {
    for target in fuzzing::ALL {
        for seed in seeds(target) {
            for length in 0..seed.len() {
                let _ = target.read(&seed[..length]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_seed_with_other_bytes_in_it_breaks_nothing(
        seed in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), 0_u8..3), 1..4),
    ) {
        for target in fuzzing::ALL {
            let mut seeds = seeds(target);
            let mut input = seeds.swap_remove(seed.index(seeds.len()));
            for (place, byte, how) in &changes {
                let place = place.index(input.len() + 1);
                match how {
                    0 => input.insert(place, *byte),
                    1 if place < input.len() => input[place] = *byte,
                    _ => input.truncate(place),
                }
            }
            let _ = target.read(&input);
        }
    }
}
