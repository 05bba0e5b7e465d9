//! Files of people: CSV (RFC 4180) and JSON, with the line that each entry begins on.

use serde_json::{Map, Value};

/// One person of a file.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    /// Where it begins.
    pub(super) line: usize,
    /// The person, as Graph takes one.
    pub(super) user: Value,
}

/// What is wrong with a file, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) line: usize,
    pub(super) why: String,
}

const LONGEST: usize = 3 * 1024 * 1024;
const MOST: usize = 1_000;

fn bad<T>(line: usize, why: impl Into<String>) -> Result<T, Bad> {
    Err(Bad { line, why: why.into() })
}

/// Reads CSV: a header with property names, then one person a row. Empty fields say nothing.
pub(super) fn csv(text: &str) -> Result<Vec<Entry>, Bad> {
    let mut rows = rows(text.strip_prefix('\u{feff}').unwrap_or(text))?.into_iter();
    let Some((_, header)) = rows.next() else { return Ok(Vec::new()) };
    if !header.iter().any(|name| name == "userPrincipalName") {
        return bad(1, "the first line names the columns, and `userPrincipalName` is not among them");
    }
    if let Some(twice) = header.iter().enumerate().find(|(n, name)| header[..*n].contains(name)) {
        return bad(1, format!("the column `{}` stands there twice", twice.1));
    }
    rows.map(|(line, fields)| {
        if fields.len() != header.len() {
            return bad(line, format!("{} fields, where the first line names {} columns", fields.len(), header.len()));
        }
        let mut user = Map::new();
        for (name, field) in header.iter().zip(fields).filter(|(_, field)| !field.is_empty()) {
            put(&mut user, name, field, line)?;
        }
        Ok(Entry { line, user: complete(user) })
    })
    .collect()
}

fn put(user: &mut Map<String, Value>, name: &str, field: String, line: usize) -> Result<(), Bad> {
    let flag = |field: &str| match field.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => bad(line, format!("`{name}` is `true` or `false`")),
    };
    match name {
        "accountEnabled" => drop(user.insert(name.to_owned(), flag(&field)?.into())),
        "password" | "forceChangePasswordNextSignIn" => {
            let value = if name == "password" { Value::from(field) } else { flag(&field)?.into() };
            let profile = user.entry("passwordProfile").or_insert_with(|| Value::Object(Map::new()));
            profile[name] = value;
        }
        _ => drop(user.insert(name.to_owned(), field.into())),
    }
    Ok(())
}

/// Fills in what follows from the name.
fn complete(mut user: Map<String, Value>) -> Value {
    let name = user.get("userPrincipalName").and_then(Value::as_str).unwrap_or_default();
    let nickname = name.split('@').next().unwrap_or_default().to_owned();
    user.entry("accountEnabled").or_insert(true.into());
    user.entry("mailNickname").or_insert_with(|| nickname.clone().into());
    user.entry("displayName").or_insert_with(|| nickname.into());
    Value::Object(user)
}

/// The rows of a CSV text with the line that each begins on. Blank lines are none.
fn rows(text: &str) -> Result<Vec<(usize, Vec<String>)>, Bad> {
    if text.len() > LONGEST {
        return bad(1, "the file is longer than 3 MiB");
    }
    let mut rows = Vec::new();
    let mut letters = text.chars().peekable();
    let mut line = 1;
    while letters.peek().is_some() {
        let began = line;
        let mut row = Vec::new();
        loop {
            let (field, end) = field(&mut letters, &mut line)?;
            row.push(field);
            if end == End::Row {
                break;
            }
        }
        if row.len() > 1 || !row[0].is_empty() {
            rows.push((began, row));
        }
        if rows.len() > MOST + 1 {
            return bad(began, format!("a file has at most {MOST} people"));
        }
    }
    Ok(rows)
}

#[derive(PartialEq, Eq)]
enum End {
    Field,
    Row,
}

fn field(letters: &mut std::iter::Peekable<std::str::Chars<'_>>, line: &mut usize) -> Result<(String, End), Bad> {
    let mut field = String::new();
    let was_quoted = letters.next_if_eq(&'"').is_some();
    if was_quoted {
        let began = *line;
        loop {
            match letters.next() {
                None => return bad(began, "a `\"` is not closed"),
                Some('"') if letters.next_if_eq(&'"').is_some() => field.push('"'),
                Some('"') => break,
                Some(letter) => {
                    *line += usize::from(letter == '\n');
                    field.push(letter);
                }
            }
        }
    }
    loop {
        match letters.next() {
            Some(',') => return Ok((field, End::Field)),
            Some('\r') if letters.peek() == Some(&'\n') => {}
            Some('\n') => {
                *line += 1;
                return Ok((field, End::Row));
            }
            None => return Ok((field, End::Row)),
            Some(_) if was_quoted => return bad(*line, "text follows a closing `\"`"),
            Some('"') => return bad(*line, "a field with `\"` begins with one"),
            Some(letter) => field.push(letter),
        }
    }
}

/// Reads JSON: a list of people.
pub(super) fn json(text: &str) -> Result<Vec<Entry>, Bad> {
    if text.len() > LONGEST {
        return bad(1, "the file is longer than 3 MiB");
    }
    let all: Vec<Map<String, Value>> =
        serde_json::from_str(text).map_err(|error| Bad { line: error.line(), why: format!("not a list of people: {error}") })?;
    if all.len() > MOST {
        return bad(1, format!("a file has at most {MOST} people"));
    }
    let lines = beginnings(text);
    let entry = |(n, user)| Entry { line: lines.get(n).copied().unwrap_or(1), user: complete(user) };
    Ok(all.into_iter().enumerate().map(entry).collect())
}

/// The lines on which the objects of a list begin.
fn beginnings(text: &str) -> Vec<usize> {
    let (mut depth, mut line, mut in_text, mut escaped) = (0_usize, 1, false, false);
    let mut found = Vec::new();
    for letter in text.chars() {
        match letter {
            '\n' => line += 1,
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            '{' | '[' if !in_text => {
                if letter == '{' && depth == 1 {
                    found.push(line);
                }
                depth += 1;
            }
            '}' | ']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_a_person_and_what_follows_from_the_name_is_filled_in() {
        let text = "userPrincipalName,displayName,department,password\r\na@x.example,\"Doe, \"\"Al\"\"\",,\r\n\r\nb@x.example,,\"two\nlines\",s3cret words\n";
        let entries = csv(text).expect("people");
        assert_eq!(entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(
            entries[0].user,
            json!({"userPrincipalName": "a@x.example", "displayName": "Doe, \"Al\"", "mailNickname": "a", "accountEnabled": true})
        );
        assert_eq!(entries[1].user["passwordProfile"], json!({"password": "s3cret words"}));
        assert_eq!(entries[1].user["department"], "two\nlines");
    }

    #[test]
    fn every_mistake_has_its_line() {
        let head = "userPrincipalName,accountEnabled\n";
        for (text, line) in [
            ("name\na".to_owned(), 1),
            ("userPrincipalName,mail,mail\n".to_owned(), 1),
            (format!("{head}a@x.example,true\nb@x.example\n"), 3),
            (format!("{head}\"a\n@x.example\",true\nb@x.example,perhaps\n"), 4),
            (format!("{head}a@x.example,\"true\nb@x.example,true"), 2),
            (format!("{head}a@x.example,\"true\"!\n"), 2),
            (format!("{head}a\"b@x.example,true\n"), 2),
        ] {
            assert_eq!(csv(&text).map_err(|bad| bad.line), Err(line), "{text}");
        }
        assert_eq!(json("[{}\n,\n{]").map_err(|bad| bad.line), Err(3));
    }

    #[test]
    fn a_list_is_read_and_its_entries_keep_their_lines() {
        let text = "[\n {\"userPrincipalName\": \"a@x.example\", \"x\": [{\"{\": \"\\\"{\"}]},\n\n {\"userPrincipalName\": \"b@x.example\"}\n]";
        let entries = json(text).expect("people");
        assert_eq!(entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(entries[1].user["displayName"], "b");
    }
}
