//! What evaluating a template may cost: a template is read from outside, and a few lines of it can ask for the world.

use std::cell::Cell;

use serde_json::Value;

use super::error::{Outcome, wrong};

/// Calls and values that are looked at.
const STEPS: u64 = 1_000_000;
/// Bytes that functions make, all together.
const BYTES: u64 = 64 * 1024 * 1024;
/// Levels of values, calls and variables in each other.
const DEPTH: usize = 120;

/// What is left of it.
#[derive(Debug, Default)]
pub(super) struct Budget {
    steps: Cell<u64>,
    bytes: Cell<u64>,
    depth: Cell<usize>,
}

impl Budget {
    /// One step more.
    pub(super) fn step(&self) -> Outcome<()> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS { wrong(format!("The template takes more than {STEPS} steps to evaluate.")) } else { Ok(()) }
    }

    /// Bytes that are about to be made.
    pub(super) fn spend(&self, bytes: usize) -> Outcome<()> {
        self.bytes.set(self.bytes.get().saturating_add(bytes as u64));
        if self.bytes.get() > BYTES {
            return wrong(format!("The values of the template take more than {} MiB.", BYTES / 1024 / 1024));
        }
        Ok(())
    }

    /// A value that is about to be copied.
    pub(super) fn copy(&self, value: &Value) -> Outcome<Value> {
        self.spend(weight(value))?;
        Ok(value.clone())
    }

    /// Does something one level deeper.
    pub(super) fn deeper<T>(&self, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let depth = self.depth.get() + 1;
        if depth > DEPTH {
            return wrong(format!("Values, calls and variables stand more than {DEPTH} levels deep in each other."));
        }
        self.depth.set(depth);
        let outcome = work();
        self.depth.set(depth - 1);
        outcome
    }
}

/// About how many bytes a value takes.
pub(super) fn weight(value: &Value) -> usize {
    const EACH: usize = 32;
    EACH + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| EACH + name.len() + weight(value)).sum(),
    }
}
