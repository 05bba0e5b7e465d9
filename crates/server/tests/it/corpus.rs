//! The corpora of all fuzz targets, replayed as they are and with pieces of them put together anew.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let paths = fs::read_dir(&folder).expect("the corpus is there").map(|entry| entry.expect("an entry").path());
    let mut inputs = Vec::new();
    for path in paths {
        eprintln!("{}", path.display()); // shown when it fails
        let input = fs::read(&path).expect("it reads");
        run(&input);
        inputs.push(input);
    }
    assert!(inputs.len() > 5, "{} inputs", inputs.len());
    mutate(&inputs, run);
}

/// Cuts two inputs anywhere, joins the halves, and puts a byte somewhere in between.
fn mutate(inputs: &[Vec<u8>], run: fn(&[u8])) {
    let pieces = (any::<[Index; 2]>(), any::<[Index; 3]>(), any::<u8>());
    let outcome = TestRunner::new(Config::with_cases(400)).run(&pieces, |([one, two], [head, tail, at], byte)| {
        let (one, two) = (one.get(inputs), two.get(inputs));
        let mut input = one[..head.index(one.len() + 1)].to_vec();
        input.extend(&two[tail.index(two.len() + 1)..]);
        if !input.is_empty() {
            let at = at.index(input.len());
            input[at] = byte;
        }
        run(&input);
        Ok(())
    });
    outcome.expect("no input is taken for two things");
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
fn kubeconfigs() {
    replay("kubeconfig", entrance_wire::fuzz::kubeconfig);
}

#[test]
fn claims_of_access_tokens() {
    replay("access_token", entrance_server::fuzz::access_token);
}

#[test]
fn watched_objects() {
    replay("watched_object", entrance_server::fuzz::watched_object);
}

#[test]
fn s_200_form_bodies() {
    replay("form", entrance_wire::fuzz::form);
}

#[test]
fn s_300_scopes() {
    replay("scope", entrance_server::fuzz::scope);
}

#[test]
fn s_101_redirect_addresses() {
    replay("redirect", entrance_server::fuzz::redirect);
}

#[test]
fn s_109_claims_parameters() {
    replay("claims", entrance_server::fuzz::claims);
}

#[test]
fn w_030_cookie_headers() {
    replay("cookie", entrance_server::fuzz::cookie);
}

#[test]
fn r_326_conditions_of_role_assignments() {
    replay("condition", entrance_server::fuzz::condition);
}

#[test]
fn g_404_expressions_of_federated_credentials() {
    replay("expression", entrance_server::fuzz::expression);
}

#[test]
fn json_with_comments() {
    replay("jsonc", entrance_wire::fuzz::jsonc);
}

#[test]
fn expressions_of_templates() {
    replay("template", entrance_server::fuzz::template);
}
