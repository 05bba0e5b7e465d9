//! The lines of a YAML document in block style: where the members of a mapping and the items of a list begin and end.
//!
//! What is found here is a guess from the layout; whoever edits by it reads the result again. Each line is looked at a fixed number of times.

use std::ops::Range;

/// The text, line by line, with the line breaks.
pub(super) struct Lines<'a> {
    all: Vec<&'a str>,
    #[cfg(test)]
    pub(super) looks: std::cell::Cell<usize>,
}

/// `key:` with everything below it; comments and empty lines after it belong to what follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member<'a> {
    pub(super) key: &'a str,
    /// The value is on the lines below, not beside the key.
    pub(super) is_block: bool,
    pub(super) lines: Range<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            all: text.split_inclusive('\n').collect(),
            #[cfg(test)]
            looks: std::cell::Cell::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, at: usize) -> &'a str {
        #[cfg(test)]
        self.looks.set(self.looks.get() + 1);
        self.all[at]
    }

    /// The lines of a range, as they stand.
    pub(super) fn text(&self, range: Range<usize>) -> impl Iterator<Item = &'a str> + '_ {
        self.all[range].iter().copied()
    }

    /// The members whose keys stand at `column`; with `dash` the first one stands behind the dash of a list's item.
    pub(super) fn members(&self, range: Range<usize>, column: usize, dash: bool) -> Option<Vec<Member<'a>>> {
        let mut found: Vec<Member<'a>> = Vec::new();
        for at in range.clone() {
            let line = self.get(at);
            if is_blank(line) {
                continue;
            }
            let first = dash && at == range.start;
            let here = indentation(line);
            if !first && here < column {
                return None;
            }
            let body = if first { line.get(column..)? } else { &line[here..] };
            // A list may stand at the column of its key.
            if !first && (here > column || is_item(body)) {
                found.last_mut()?.lines.end = at + 1;
                continue;
            }
            let (key, is_block) = key_of(body)?;
            found.push(Member { key, is_block, lines: at..at + 1 });
        }
        Some(found)
    }

    /// The items of the list below a key, which is on the first line of `range`; and the column of their dashes.
    pub(super) fn items(&self, range: &Range<usize>) -> Option<(Vec<Range<usize>>, usize)> {
        let first = (range.start + 1..range.end).find(|at| !is_blank(self.get(*at)))?;
        let column = indentation(self.get(first));
        let mut found: Vec<Range<usize>> = Vec::new();
        for at in first..range.end {
            let line = self.get(at);
            if is_blank(line) {
                continue;
            }
            let here = indentation(line);
            if here == column && is_item(&line[here..]) {
                found.push(at..at + 1);
            } else if here > column {
                found.last_mut()?.end = at + 1;
            } else {
                return None;
            }
        }
        Some((found, column))
    }

    /// The column of the first line below a key.
    pub(super) fn column_below(&self, range: &Range<usize>) -> Option<usize> {
        (range.start + 1..range.end).map(|at| self.get(at)).find(|line| !is_blank(line)).map(indentation)
    }

    /// The lines of the top member `key`, which has a list below it.
    pub(super) fn top(&self, key: &str) -> Option<Range<usize>> {
        let is_top = |at: &usize| key_of(self.get(*at)).is_some_and(|(found, is_block)| found == key && is_block);
        let start = (0..self.len()).find(is_top)?;
        let mut end = start + 1;
        for at in start + 1..self.len() {
            let line = self.get(at);
            if is_blank(line) {
                continue;
            }
            if indentation(line) == 0 && !is_item(line) {
                break;
            }
            end = at + 1;
        }
        Some(start..end)
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Says nothing to YAML.
fn is_blank(line: &str) -> bool {
    let text = line.trim();
    text.is_empty() || text.starts_with('#')
}

fn is_item(body: &str) -> bool {
    body.trim_end() == "-" || body.starts_with("- ")
}

/// The key at the beginning of a text, and whether nothing but a comment follows it.
fn key_of(body: &str) -> Option<(&str, bool)> {
    let (key, rest) = if let quote @ ('"' | '\'') = body.chars().next()? {
        body[1..].split_once(quote)?
    } else {
        let end = body.find(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c)))?;
        body.split_at(end)
    };
    let rest = rest.strip_prefix(':')?;
    let value = rest.trim();
    (!key.is_empty() && (rest.is_empty() || rest.starts_with([' ', '\n', '\r', '\t'])))
        .then_some((key, value.is_empty() || value.starts_with('#')))
}
