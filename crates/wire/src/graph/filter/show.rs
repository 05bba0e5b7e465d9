//! A filter as text again: `parse(show(x)) == x`.

use std::fmt::{self, Display, Formatter};

use super::{End, Filter, Literal, Op, Path, Quantifier};

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => joined(f, all, " and ", |one| matches!(one, Self::And(_) | Self::Or(_))),
            Self::Or(all) => joined(f, all, " or ", |one| matches!(one, Self::Or(_))),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Compare { path, op, value } => write!(f, "{path} {op} {value}"),
            Self::In { path, values } => {
                write!(f, "{path} in (")?;
                for (n, value) in values.iter().enumerate() {
                    if n > 0 {
                        f.write_str(",")?;
                    }
                    value.fmt(f)?;
                }
                f.write_str(")")
            }
            Self::Affix { path, end, text } => {
                let name = match end {
                    End::Start => "startswith",
                    End::End => "endswith",
                };
                write!(f, "{name}({path},{})", Literal::Text(text.clone()))
            }
            Self::Lambda { path, of, variable, body } => {
                let name = match of {
                    Quantifier::Any => "any",
                    Quantifier::All => "all",
                };
                match body {
                    Some(body) => write!(f, "{path}/{name}({variable}:{body})"),
                    None => write!(f, "{path}/{name}()"),
                }
            }
            Self::Count { path, op, value } => write!(f, "{path}/$count {op} {value}"),
        }
    }
}

fn joined(f: &mut Formatter<'_>, all: &[Filter], with: &str, needs_parentheses: impl Fn(&Filter) -> bool) -> fmt::Result {
    for (n, one) in all.iter().enumerate() {
        if n > 0 {
            f.write_str(with)?;
        }
        if needs_parentheses(one) { write!(f, "({one})")? } else { write!(f, "{one}")? }
    }
    Ok(())
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(op, _)| op == self).map_or("", |(_, text)| text))
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Guid(guid) => f.write_str(guid),
            Self::Bool(value) => value.fmt(f),
            Self::Null => f.write_str("null"),
            Self::Number(number) => number.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}
