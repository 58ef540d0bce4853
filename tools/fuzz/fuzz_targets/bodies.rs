#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = task_api::fuzzing::BODIES.read(input);
});
