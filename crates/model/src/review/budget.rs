//! How many groups an answer may carry (DESIGN 4.2).
//!
//! Each group becomes a header at aggregated APIs, and servers refuse more than 500 of them. Up to the budget an answer
//! carries every group. Above it, those that the cluster refers to: the others could not change any decision there. When it
//! is not known which these are, nobody is let in with a list that was cut.

use std::collections::BTreeSet;

use super::{Gate, Refusal};
use crate::id::GroupId;

/// The groups that a cluster refers to in bindings, policies and its own settings.
#[derive(Debug, Clone, Copy)]
pub enum Referred<'a> {
    /// Nobody looked yet, or the view may be incomplete.
    Unknown,
    /// All of them.
    Known(&'a BTreeSet<GroupId>),
}

/// The groups that an answer carries, out of all that somebody is in.
pub fn within(mut groups: Vec<GroupId>, gate: &Gate, referred: Referred<'_>) -> Result<Vec<GroupId>, Refusal> {
    let (count, max) = (groups.len(), gate.groups_max);
    if count <= max {
        return Ok(groups);
    }
    let Referred::Known(referred) = referred else { return Err(Refusal::TooManyGroups { count, max }) };
    groups.retain(|group| referred.contains(group) || gate.pinned.contains(group));
    if groups.len() <= max { Ok(groups) } else { Err(Refusal::TooManyReferredGroups { count: groups.len(), max }) }
}
