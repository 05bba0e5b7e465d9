//! PEM (RFC 7468): blocks of base64 between two lines that say what is in them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::ber::{Reader, SEQUENCE};
use super::{Form, Found, KeyError, PrivateKey, cipher};

/// Does the file say that it is PEM?
pub(super) fn is_one(file: &[u8]) -> bool {
    // DER begins with a sequence; anything else is shown to people as PEM that lacks its blocks.
    file.first() != Some(&SEQUENCE)
}

/// All keys and certificates of the file, in its order.
pub(super) fn read(file: &[u8], password: Option<&str>) -> Result<Found, KeyError> {
    let text = Zeroizing::new(String::from_utf8_lossy(file).into_owned());
    let mut found = Found::default();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(label) = line.trim().strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) else { continue };
        let mut body = Zeroizing::new(String::new());
        let mut is_protected = false;
        for line in lines.by_ref().map(str::trim).take_while(|line| !line.starts_with("-----END ")) {
            if line.contains(':') {
                is_protected |= line.starts_with("Proc-Type:") && line.contains("ENCRYPTED");
            } else {
                body.push_str(line);
            }
        }
        let form = match label {
            "RSA PRIVATE KEY" => Form::Pkcs1,
            "EC PRIVATE KEY" => Form::Sec1,
            "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "CERTIFICATE" => Form::Pkcs8,
            _ => continue,
        };
        if is_protected {
            return Err(KeyError::Unknown("the old encryption of PEM, `Proc-Type: 4,ENCRYPTED`".into()));
        }
        let der = STANDARD.decode(body.as_bytes()).map(Zeroizing::new);
        let der = der.map_err(|_| KeyError::NoKey("a block of the file is no base64"))?;
        match label {
            "CERTIFICATE" => found.certificates.push(der.to_vec()),
            "ENCRYPTED PRIVATE KEY" => {
                let password = password.filter(|password| !password.is_empty()).ok_or(KeyError::NoPassword)?;
                found.keys.push(PrivateKey { der: decrypted(&der, password)?, form });
            }
            _ => found.keys.push(PrivateKey { der, form }),
        }
    }
    if found.keys.is_empty() {
        return Err(KeyError::NoKey("there is no private key in the file"));
    }
    Ok(found)
}

/// `EncryptedPrivateKeyInfo` (RFC 5958).
pub(super) fn decrypted(der: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let parts = || {
        let mut inside = Reader::new(der).enter(SEQUENCE)?;
        Some((inside.enter(SEQUENCE)?, inside.octets()?))
    };
    let (algorithm, sealed) = parts().ok_or(KeyError::Damaged("its encrypted key"))?;
    cipher::open(algorithm, password, &sealed)
}
