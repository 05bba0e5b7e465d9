//! Files as OpenSSL writes them (`testdata/keys/make.sh`): each is opened, and what it signs is checked with its certificate.

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};

use super::{Certificate, KeyError};

const PASSWORD: &str = "open sesame ü";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).expect("a test's key")
}

fn refused(name: &str, password: Option<&str>) -> KeyError {
    Certificate::read(&file(name), password).err().unwrap_or_else(|| panic!("{name} was opened"))
}

/// Signs both ways and checks with the certificate's own key.
fn works(name: &str, password: Option<&str>) -> String {
    let it = Certificate::read(&file(name), password).unwrap_or_else(|error| panic!("{name}: {error}"));
    for legacy in [false, true] {
        let algorithm: &'static dyn VerificationAlgorithm = match it.algorithm(legacy) {
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            "RS256" => &RSA_PKCS1_2048_8192_SHA256,
            "ES256" => &ECDSA_P256_SHA256_FIXED,
            "ES384" => &ECDSA_P384_SHA384_FIXED,
            "ES512" => &ECDSA_P521_SHA512_FIXED,
            other => panic!("{other}"),
        };
        let signature = it.sign(b"text", legacy).expect("signs");
        let public = it.key.public();
        UnparsedPublicKey::new(algorithm, public).verify(b"text", &signature).unwrap_or_else(|_| panic!("{name}: {legacy}"));
        assert!(it.der().windows(public.len()).any(|part| part == public));
    }
    it.algorithm(false).to_owned()
}

#[test]
fn row_19_every_file_that_people_keep_keys_in_is_opened() {
    let protected = Some(PASSWORD);
    for (name, password, algorithm) in [
        ("pkcs8-rsa.pem", None, "PS256"),
        ("pkcs1-rsa.pem", None, "PS256"),
        ("pkcs8-ec256.pem", None, "ES256"),
        ("pkcs8-ec384.pem", None, "ES384"),
        ("pkcs8-ec521.pem", None, "ES512"),
        ("sec1-256.pem", None, "ES256"),
        ("sec1-384.pem", None, "ES384"),
        ("sec1-521.pem", None, "ES512"),
        ("sec1-with-parameters.pem", None, "ES256"),
        ("encrypted-default.pem", protected, "PS256"),
        ("encrypted-aes128-sha1.pem", protected, "PS256"),
        ("encrypted-aes192-sha384.pem", protected, "ES384"),
        ("encrypted-aes256-sha512.pem", protected, "ES512"),
        ("encrypted-des3.pem", protected, "ES256"),
        ("modern-rsa.pfx", protected, "PS256"),
        ("modern-ec256.pfx", protected, "ES256"),
        ("modern-sha512.pfx", protected, "ES384"),
        ("old.pfx", protected, "PS256"),
        ("old-des3.pfx", protected, "ES512"),
        ("old-rc2-128.pfx", protected, "PS256"),
        ("open.pfx", None, "PS256"),
        ("open.pfx", Some(""), "PS256"),
        ("open-old.pfx", None, "PS256"),
        ("no-sum.pfx", protected, "PS256"),
        ("plain.pfx", protected, "PS256"),
    ] {
        assert_eq!(works(name, password), algorithm, "{name}");
    }
}

#[test]
fn what_cannot_be_opened_says_why() {
    for name in ["encrypted-default.pem", "encrypted-des3.pem"] {
        assert_eq!(refused(name, None), KeyError::NoPassword, "{name}");
        assert_eq!(refused(name, Some("")), KeyError::NoPassword, "{name}");
        assert_eq!(refused(name, Some("wrong")), KeyError::Password, "{name}");
    }
    for name in ["modern-rsa.pfx", "old.pfx", "plain.pfx", "modern-sha512.pfx"] {
        assert_eq!(refused(name, None), KeyError::NoPassword, "{name}");
        assert_eq!(refused(name, Some("wrong")), KeyError::Password, "{name}");
    }
    // Nothing says whether the password is right but what comes out.
    assert_eq!(refused("no-sum.pfx", Some("wrong")), KeyError::Password);
    assert_eq!(refused("encrypted-scrypt.pem", Some(PASSWORD)), KeyError::Unknown("1.3.6.1.4.1.11591.4.11".into()));
    assert!(matches!(refused("encrypted-old-style.pem", Some(PASSWORD)), KeyError::Unknown(what) if what.contains("Proc-Type")));
}

#[test]
fn a_file_that_is_damaged_anywhere_is_refused_and_nothing_else_happens() {
    for name in ["modern-ec256.pfx", "old-des3.pfx", "plain.pfx", "encrypted-aes192-sha384.pem", "sec1-256.pem"] {
        let whole = file(name);
        for at in (0..whole.len()).step_by(7) {
            let _ = Certificate::read(&whole[..at], Some(PASSWORD));
            let mut turned = whole.clone();
            turned[at] ^= 0x55;
            let _ = Certificate::read(&turned, Some(PASSWORD));
        }
        assert!(Certificate::read(&whole[..whole.len() / 2], Some(PASSWORD)).is_err(), "{name}");
    }
}

#[test]
fn a_key_without_its_certificate_and_a_certificate_without_its_key() {
    let text = String::from_utf8(file("pkcs8-ec256.pem")).expect("text");
    let (key, certificate) = text.split_at(text.find("-----BEGIN CERTIFICATE").expect("both"));
    assert_eq!(Certificate::read(key.as_bytes(), None).err(), Some(KeyError::NoCertificate));
    let other = String::from_utf8(file("pkcs8-ec384.pem")).expect("text");
    let other = &other[..other.find("-----BEGIN CERTIFICATE").expect("both")];
    assert_eq!(Certificate::read(format!("{other}{certificate}").as_bytes(), None).err(), Some(KeyError::NoCertificate));
    for nothing in [certificate.as_bytes(), b"", b"hello", b"-----BEGIN"] {
        let error = Certificate::read(nothing, None).err().expect("no key");
        assert!(error.to_string().starts_with("failed to decode a pem block from private key"), "{error}");
    }
}
