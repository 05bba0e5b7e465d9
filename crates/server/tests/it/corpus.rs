//! The corpora of all fuzz targets, replayed.

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let inputs: Vec<_> =
        fs::read_dir(&folder).expect("the corpus is there").map(|entry| entry.expect("an entry").path()).collect();
    assert!(inputs.len() > 5, "{} inputs", inputs.len());
    for path in inputs {
        eprintln!("{}", path.display()); // shown when it fails
        run(&fs::read(&path).expect("it reads"));
    }
}

#[test]
fn bodies_of_token_reviews() {
    replay("token_review", entrance_wire::fuzz::token_review);
}

#[test]
fn signed_tokens() {
    replay("jws", entrance_wire::fuzz::jws);
}

#[test]
fn tokens_in_proofs() {
    replay("pop", entrance_wire::fuzz::pop);
}

#[test]
fn claims_of_access_tokens() {
    replay("access_token", entrance_server::fuzz::access_token);
}

#[test]
fn watched_objects() {
    replay("watched_object", entrance_server::fuzz::watched_object);
}
