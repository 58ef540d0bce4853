//! `.env`, as editors, shells and other programs write it, read by the real program.

use std::fs;

use crate::helpers::{
    folder::Folder,
    program::{Outcome, run_in},
    servers::ClosedPort,
};

/// The last words of a migration that found its database in the file: nothing listens at its port.
const REFUSED: &str = "the database cannot be reached";

/// What every command that needs the address says of a folder, with no part of the password.
#[track_caller]
fn said(folder: &Folder, variables: &[(&str, &str)]) -> Outcome {
    let outcome = run_in(folder.path(), &["migrate", "status"], variables);
    let doctor = run_in(folder.path(), &["doctor"], variables);
    let serve = run_in(folder.path(), &[], &[variables, &[("HOST", "192.0.2.1"), ("PORT", "1")]].concat());
    for outcome in [&outcome, &doctor, &serve] {
        assert_ne!(outcome.code, Some(0), "{}", outcome.stdout);
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains("s3cret") && !text.contains("panicked"), "{text}");
        }
    }
    outcome
}

/// The sentence about the file, which each of the commands says.
#[track_caller]
fn refuses(folder: &Folder, sentence: &str) {
    let outcome = said(folder, &[]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(sentence), "{sentence}\n{}", outcome.stderr);
    for arguments in [&["doctor"][..], &["health"], &[]] {
        let outcome = run_in(folder.path(), arguments, &[]);
        let text = format!("{}{}", outcome.stdout, outcome.stderr);
        let words: Vec<_> = text.split_whitespace().collect();
        assert!(words.join(" ").contains(sentence), "{arguments:?}: {sentence}\n{text}");
    }
}

fn address(port: u16) -> String {
    format!("postgres://u:s3cret@127.0.0.1:{port}/app")
}

#[test]
fn a_file_is_read_as_any_system_writes_it() {
    let closed = ClosedPort::new();
    let url = address(closed.address().port());
    for contents in [
        format!("DATABASE_URL={url}\n"),
        format!("\u{feff}DATABASE_URL={url}\r\n"),
        format!("# Better Auth's own\r\nNEXT_PUBLIC_X=1\r\n\r\nDATABASE_URL=\"{url}\"\r\n"),
        format!("export DATABASE_URL='{url}'"),
        format!("DATABASE_URL = {url} # the pooler"),
        format!("DATABASE_URL=postgres://elsewhere/app\nDATABASE_URL={url}\n"),
    ] {
        let outcome = said(&Folder::with_env(&contents), &[]);
        assert_eq!(outcome.code, Some(1), "{contents:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(REFUSED), "{contents:?}: {}", outcome.stderr);
    }
}

#[test]
fn the_environment_takes_precedence_over_the_file() {
    let closed = ClosedPort::new();
    let folder = Folder::with_env("DATABASE_URL=mysql://me:s3cret@h/d\n");
    let outcome = said(&folder, &[("DATABASE_URL", &address(closed.address().port()))]);
    assert!(outcome.stderr.contains(REFUSED), "{}", outcome.stderr);
    let outcome = said(&folder, &[("DATABASE_URL", "")]);
    assert!(outcome.stderr.contains("must begin with postgres://"), "{}", outcome.stderr);
}

#[test]
fn a_dollar_sign_in_a_password_is_one() {
    // If it were expanded, the text would be no address any more.
    for written in
        ["postgres://$USER:s3cret$$@127.0.0.1:$PORT/app", "\"postgres://u:s3cret@127.0.0.1:${PORT}/app\""]
    {
        let outcome = said(&Folder::with_env(format!("DATABASE_URL={written}\n")), &[("PORT", "5432")]);
        assert!(outcome.stderr.contains("has a port that is not a number"), "{}", outcome.stderr);
    }
}

#[test]
fn a_line_of_one_of_our_variables_that_cannot_be_read_is_named_by_its_number() {
    let folder =
        Folder::with_env("A=1\n\nDATABASE_URL=\"postgres://u:s3cret@h/d\nBETTER_AUTH_SECRET='s3cret\n");
    refuses(&folder, ".env line 3: the value of DATABASE_URL cannot be read; check its quotation marks");
    refuses(&folder, ".env line 4: the value of BETTER_AUTH_SECRET cannot be read");
}

#[test]
fn a_line_of_another_program_is_left_out_and_named_if_something_is_missing() {
    let folder =
        Folder::with_env("set -a\nDATABASE_URL: postgres://u:s3cret@h/d\n-----BEGIN KEY-----\ns3cret\n");
    let outcome = said(&folder, &[]);
    assert_eq!(outcome.code, Some(2));
    for words in [
        "DATABASE_URL must be set",
        ".env, line 1: left out, because it is not of the form NAME=value",
        ".env, line 2: left out",
        ".env, line 4: left out",
    ] {
        assert!(outcome.stderr.contains(words), "{words}\n{}", outcome.stderr);
    }
}

#[test]
fn a_file_that_is_no_text_in_utf_8_is_said_to_be_what_it_is() {
    let text = "\u{feff}DATABASE_URL=postgres://u:s3cret@h/d\r\n";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refuses(&Folder::with_env(&utf16), ".env is in UTF-16: save it in UTF-8");
    refuses(&Folder::with_env(&utf16[2..]), ".env is in UTF-16: save it in UTF-8");
    let latin = b"A=1\nDATABASE_URL=postgres://u:s3cret\xe9@h/d\n";
    refuses(&Folder::with_env(latin), ".env line 2: is not in UTF-8: save the file in UTF-8");
    let folder = Folder::new();
    fs::create_dir(folder.path().join(".env")).unwrap();
    refuses(&folder, ".env is a folder and not a file");
    // Root may read everything, so what cannot be read is a link to itself.
    let folder = Folder::new();
    std::os::unix::fs::symlink(".env", folder.path().join(".env")).unwrap();
    refuses(&folder, ".env cannot be read (");
}

#[test]
fn the_files_of_the_folders_above_are_not_read() {
    let above = Folder::with_env("DATABASE_URL=\"s3cret\n\0");
    let below = above.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    let outcome = run_in(&below, &["migrate", "status"], &[]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("DATABASE_URL must be set"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains(".env line") && !outcome.stderr.contains("UTF"), "{}", outcome.stderr);
}

#[test]
fn quotation_marks_that_docker_leaves_around_a_value_are_named() {
    let folder = Folder::new();
    for (name, value) in [
        ("DATABASE_URL", "\"postgres://u:s3cret@h/d\""),
        ("DATABASE_DIRECT_URL", "'postgres://u:s3cret@h/d'"),
    ] {
        let outcome = said(&folder, &[("DATABASE_URL", "postgres://u@h/d"), (name, value)]);
        let sentence = format!("{name} is in quotation marks, which are part of it: leave them out");
        assert!(outcome.stderr.contains(&sentence), "{}", outcome.stderr);
    }
    let outcome = run_in(folder.path(), &["health"], &[("PORT", "\"8080\"")]);
    assert!(outcome.stderr.contains("PORT is in quotation marks"), "{}", outcome.stderr);
}
