//! Encodings, and names made of values.

use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::super::budget::Budget;
use super::super::error::{Outcome, wrong};
use super::super::value::Arguments;
use super::Function;

pub(super) const ALL: &[(&str, Function)] = &[
    ("base64", base64),
    ("base64ToString", |a, b| decoded(a, b).map(Value::String)),
    ("base64ToJson", |a, b| decoded(a, b).and_then(|text| read_json(&text, b))),
    ("json", |a, b| a.between(1, 1).and_then(|()| read_json(a.text(0)?, b))),
    ("uri", uri),
    ("uriComponent", uri_component),
    ("uriComponentToString", uri_component_to_string),
    ("guid", |a, _| a.between(1, usize::MAX).and_then(|()| Ok(guid(&a.texts()?).to_string().into()))),
    ("uniqueString", |a, _| a.between(1, usize::MAX).and_then(|()| Ok(unique(&a.texts()?).into()))),
];

/// What our names are made in: any other server makes the same names of the same values.
const NAMES: Uuid = Uuid::from_u128(0x11fb_06fb_712d_4ddd_98c7_e71b_bd58_8830);

/// One GUID for the same texts, always.
fn guid(parts: &[String]) -> Uuid {
    Uuid::new_v5(&NAMES, parts.join("-").as_bytes())
}

/// Thirteen letters and digits for the same texts, always.
fn unique(parts: &[String]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    // Each part with its length: `a`, `b` is not `a-b`.
    let named: Vec<String> = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    let mut bits = Uuid::new_v5(&NAMES, named.concat().as_bytes()).as_u128();
    let mut out = String::new();
    for _ in 0..13 {
        out.push(char::from(LETTERS[(bits & 31) as usize]));
        bits >>= 5;
    }
    out
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    let bytes = a.text(0)?.as_bytes();
    budget.spend(bytes.len().saturating_mul(2))?;
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().enumerate().fold(0_u32, |bits, (at, byte)| bits | (u32::from(*byte) << (16 - 8 * at)));
        for at in 0..4 {
            let digit = BASE64[((bits >> (18 - 6 * at)) & 63) as usize];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    Ok(out.into())
}

fn decoded(a: &Arguments, budget: &Budget) -> Outcome<String> {
    a.between(1, 1)?;
    let text = a.text(0)?.trim_end_matches('=');
    budget.spend(text.len())?;
    let (mut out, mut bits, mut have) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes() {
        let Some(digit) = BASE64.iter().position(|known| *known == byte) else { return a.unfit(0, "base64") };
        bits = (bits << 6) | u32::try_from(digit).unwrap_or(0);
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push(u8::try_from((bits >> have) & 0xFF).unwrap_or(0));
        }
    }
    String::from_utf8(out).or_else(|_| a.unfit(0, "base64 of a text"))
}

fn read_json(text: &str, budget: &Budget) -> Outcome<Value> {
    budget.spend(text.len().saturating_mul(16))?;
    serde_json::from_str(text).or_else(|error| wrong(format!("The text is no JSON: {error}.")))
}

fn uri(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(2, 2)?;
    let (base, rest) = (a.text(0)?, a.text(1)?);
    budget.spend(base.len().saturating_add(rest.len()))?;
    let joined = Url::parse(base).and_then(|base| base.join(rest));
    joined.map_or_else(|_| a.unfit(0, "an absolute address that the second one can follow"), |url| Ok(String::from(url).into()))
}

fn uri_component(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    let text = a.text(0)?;
    budget.spend(text.len().saturating_mul(3))?;
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.extend(['%', char::from(HEX[usize::from(byte >> 4)]), char::from(HEX[usize::from(byte & 15)])]);
        }
    }
    Ok(out.into())
}

fn uri_component_to_string(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    let text = a.text(0)?;
    budget.spend(text.len())?;
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)];
        let code = std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => out.push(code),
            None => return a.unfit(0, "a text whose `%` begin two hexadecimal digits"),
        }
    }
    String::from_utf8(out).map_or_else(|_| a.unfit(0, "an encoded text"), |text| Ok(text.into()))
}
