//! What the fuzz targets call, and the tests that replay their corpora: each function panics when something read from
//! outside was taken for two things at once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::jsonc;
use crate::kubeconfig::edit::{Changes, Document};
use crate::kubeconfig::secrets;
use crate::kubernetes::TokenReview;
use crate::oauth::form::Form;
use crate::oauth::jws::Unverified;
use crate::oauth::pop::Envelope;

/// The body of a token review: what is read is what a body that says only that would give.
pub fn token_review(body: &[u8]) {
    let Ok(review) = TokenReview::read(body) else { return };
    let plain = serde_json::json!({
        "apiVersion": review.version().as_str(), "kind": "TokenReview", "spec": {"token": review.token()},
    });
    let plain = plain.to_string();
    let again = TokenReview::read(plain.as_bytes()).map_err(drop).expect("a plain question is read");
    assert_eq!((again.version(), again.token()), (review.version(), review.token()));
}

/// A signed token of somebody else.
pub fn jws(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(token) = Unverified::parse(text) {
        assert_eq!(text.matches('.').count(), 2);
        let _ = (token.audiences().len(), token.seconds("exp"), token.text("iss"));
    }
}

/// A token in the proof of a key: it has one spelling, and a key whose thumbprint is one of its own.
pub fn pop(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(envelope) = Envelope::parse(text) else { return };
    assert_eq!(text, format!("{}.{}", envelope.signed, URL_SAFE_NO_PAD.encode(&envelope.signature)));
    let canonical: serde_json::Value = serde_json::from_str(&envelope.key.canonical()).expect("a JWK is JSON");
    assert_eq!(canonical["n"], URL_SAFE_NO_PAD.encode(envelope.key.modulus()));
    assert_eq!(canonical["e"], URL_SAFE_NO_PAD.encode(envelope.key.exponent()));
}

/// A form body: what is read of it, written again as a form, is read as the same.
pub fn form(body: &[u8]) {
    const KNOWN: [&str; 4] = ["grant_type", "scope", "code", "passwd"];
    let Ok(form) = Form::parse(body, 64 * 1024, &KNOWN) else { return };
    let mut again = url::form_urlencoded::Serializer::new(String::new());
    for name in KNOWN {
        if let Some(value) = form.get(name) {
            assert!(!value.is_empty() && !value.contains('\0'));
            again.append_pair(name, value);
        }
    }
    let read = Form::parse(again.finish().as_bytes(), usize::MAX, &KNOWN).expect("a form of ours is a form");
    assert!(KNOWN.iter().all(|name| read.get(name) == form.get(name)));
}

/// Somebody's kubeconfig: with other `exec` entries it says those, and everything else as before.
pub fn kubeconfig(text: &[u8]) {
    kubeconfig_with(text, "line one\n'\"$(two): #");
}

/// The same with an argument of one's own.
pub fn kubeconfig_with(text: &[u8], arg: &str) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let lines = secrets::lines(text);
    assert!(lines.iter().all(|line| line.hidden_from.is_none_or(|from| line.text.is_char_boundary(from))));
    assert_eq!(lines.len(), text.split_inclusive('\n').count());
    let Ok(document) = Document::read(text.to_owned()) else { return };
    let exec = serde_json::json!({ "apiVersion": "v", "args": ["get-token", arg], "command": "kubelogin", "env": null });
    let ours = document.users().filter(|user| user.exec.is_some_and(serde_json::Value::is_object) || user.provider.is_some());
    let changes: Changes = ours.map(|user| (user.place, exec.clone())).collect();
    let edited = document.edited(&changes);
    if changes.is_empty() {
        assert_eq!(edited.text, text);
        return;
    }
    let mut wanted = crate::yaml::parse(text).expect("it was read before");
    for place in changes.keys() {
        let user = wanted["users"][*place]["user"].as_object_mut().expect("it has members");
        user.retain(|key, _| key != "auth-provider");
        user.insert("exec".to_owned(), exec.clone());
    }
    if edited.anew {
        for (key, value) in [("apiVersion", "v1"), ("kind", "Config")] {
            wanted.as_object_mut().expect("it has users").entry(key).or_insert_with(|| value.into());
        }
    }
    assert_eq!(crate::yaml::parse(&edited.text).map_err(|error| error.to_string()), Ok(wanted), "{}", edited.text);
    // Once more changes nothing.
    let again = Document::read(edited.text.clone()).expect("it was read just now");
    assert_eq!(again.edited(&changes).text, edited.text);
}

/// A text that may be JSON with comments: what is read, written as JSON, is read as the same; every place is inside.
pub fn jsonc(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    match jsonc::parse(text, jsonc::Budget::default()) {
        Ok(node) => {
            let value = node.value();
            let again = jsonc::parse(&value.to_string(), jsonc::Budget::default()).expect("JSON is JSON with comments");
            assert_eq!(again.value(), value);
            assert!(node.start < node.end && node.end <= text.len());
        }
        Err(bad) => assert!(bad.line >= 1 && bad.column >= 1),
    }
}
