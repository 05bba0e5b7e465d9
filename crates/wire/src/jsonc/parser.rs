//! The reader: one pass, with a budget for size, depth and number of values.

use super::{BadJson, Kind, Node, position};

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of the whole text.
    pub bytes: usize,
    /// Levels of lists and objects.
    pub depth: usize,
    /// Values in all.
    pub values: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: 4 * 1024 * 1024, depth: 100, values: 250_000 }
    }
}

pub(super) fn parse(text: &str, budget: Budget) -> Result<Node, BadJson> {
    let mut parser = Parser { text, at: 0, depth: 0, values: 0, budget };
    if text.len() > budget.bytes {
        return Err(parser.bad(&format!("the text is longer than {} bytes", budget.bytes)));
    }
    if text.starts_with('\u{feff}') {
        parser.at = '\u{feff}'.len_utf8();
    }
    parser.blank()?;
    let node = parser.value()?;
    parser.blank()?;
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(parser.bad("something stands behind the end of the value")),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    values: usize,
    budget: Budget,
}

impl Parser<'_> {
    fn bad(&self, what: &str) -> BadJson {
        let (line, column) = position(self.text, self.at);
        BadJson { what: what.to_owned(), line, column }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, expected: char) -> bool {
        let is_there = self.peek() == Some(expected);
        if is_there {
            self.at += expected.len_utf8();
        }
        is_there
    }

    /// Blanks and comments.
    fn blank(&mut self) -> Result<(), BadJson> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            self.at += blanks;
            let rest = self.rest();
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(inside) = rest.strip_prefix("/*") {
                let end = inside.find("*/").ok_or_else(|| self.bad("a comment does not end"))?;
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self) -> Result<Node, BadJson> {
        self.values += 1;
        if self.values > self.budget.values {
            return Err(self.bad(&format!("there are more than {} values", self.budget.values)));
        }
        let start = self.at;
        let kind = match self.peek() {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::list)?,
            Some('"') => Kind::Text(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some(_) => self.word()?,
            None => return Err(self.bad("a value is missing")),
        };
        Ok(Node { kind, start, end: self.at })
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Kind, BadJson>) -> Result<Kind, BadJson> {
        self.depth += 1;
        if self.depth > self.budget.depth {
            return Err(self.bad(&format!("there are more than {} levels", self.budget.depth)));
        }
        self.at += 1;
        let kind = read(self);
        self.depth -= 1;
        kind
    }

    fn list(&mut self) -> Result<Kind, BadJson> {
        let mut items = Vec::new();
        loop {
            self.blank()?;
            if self.take(']') {
                return Ok(Kind::List(items));
            }
            items.push(self.value()?);
            self.blank()?;
            if !self.take(',') && self.peek() != Some(']') {
                return Err(self.bad("`,` or `]` is missing"));
            }
        }
    }

    fn object(&mut self) -> Result<Kind, BadJson> {
        let mut members: Vec<(String, Node)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        loop {
            self.blank()?;
            if self.take('}') {
                return Ok(Kind::Object(members));
            }
            let name = self.name()?;
            if !names.insert(name.to_lowercase()) {
                return Err(self.bad(&format!("member '{}' is there twice", cut(&name))));
            }
            self.blank()?;
            if !self.take(':') {
                return Err(self.bad("`:` is missing"));
            }
            self.blank()?;
            let value = self.value()?;
            members.push((name, value));
            self.blank()?;
            if !self.take(',') && self.peek() != Some('}') {
                return Err(self.bad("`,` or `}` is missing"));
            }
        }
    }

    fn name(&mut self) -> Result<String, BadJson> {
        if self.peek() == Some('"') {
            return self.string();
        }
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.bad("the name of a member is missing"));
        }
        let name = rest[..end].to_owned();
        self.at += end;
        Ok(name)
    }

    fn word(&mut self) -> Result<Kind, BadJson> {
        for (word, kind) in [("null", Kind::Null), ("true", Kind::Bool(true)), ("false", Kind::Bool(false))] {
            let rest = self.rest();
            if rest.starts_with(word) && !rest[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                self.at += word.len();
                return Ok(kind);
            }
        }
        Err(self.bad("this is no value"))
    }

    fn number(&mut self) -> Result<Kind, BadJson> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(rest.len());
        let number = rest[..end].parse().map_err(|_| self.bad("this is no number"))?;
        self.at += end;
        Ok(Kind::Number(number))
    }

    fn string(&mut self) -> Result<String, BadJson> {
        let open = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(|c: char| c == '"' || c == '\\' || (c < ' ' && !matches!(c, '\n' | '\r' | '\t')));
            let Some(plain) = plain else {
                self.at = open;
                return Err(self.bad("a text does not end"));
            };
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some('"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some('\\') => out.push(self.escape()?),
                _ => return Err(self.bad("a control character stands in a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, BadJson> {
        let letter = self.rest().chars().nth(1).ok_or_else(|| self.bad("a text does not end"))?;
        let plain = match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            _ => return Err(self.bad(&format!("`\\{letter}` is no escape"))),
        };
        self.at += 1 + letter.len_utf8();
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, BadJson> {
        let first = self.unit(0).ok_or_else(|| self.bad("four hexadecimal digits are missing"))?;
        let (code, length) = match (first, self.unit(6)) {
            (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) => {
                (0x10000 + ((u32::from(first) - 0xD800) << 10) + (u32::from(second) - 0xDC00), 12)
            }
            _ => (u32::from(first), 6),
        };
        let read = char::from_u32(code).ok_or_else(|| self.bad("half of a pair of surrogates stands alone"))?;
        self.at += length;
        Ok(read)
    }

    // A backslash, `u` and four hexadecimal digits, that many bytes from here (RFC 8259, 7).
    fn unit(&self, from: usize) -> Option<u16> {
        let digits = self.rest().get(from..from + 6)?.strip_prefix("\\u")?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u16::from_str_radix(digits, 16).ok()
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
