//! How a review would end now, for those who explain it.
//!
//! It is the reviewer's own way, without a question of an API server: nothing is counted, and nobody is told. So an
//! explanation can never say something else than a review.

use entrance_model::id::{ClusterUid, GroupId};
use entrance_model::review::{Possession, Refusal};

use super::reviewer::{Entry, Reviewer};
use crate::authority::token::AccessToken;
use crate::directory::NotReady;

/// Whose entry is judged.
#[derive(Debug, Clone, Copy)]
pub enum Holder<'t> {
    /// Of whoever holds this token.
    Token(&'t str),
    /// Of an account, with the token that it would get now and the proof that the cluster may ask for.
    Account(&'t AccessToken),
}

/// What an API server would be told of somebody who may enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// The name inside the cluster.
    pub name: String,
    /// The groups that the answer carries.
    pub groups: Vec<GroupId>,
}

impl Reviewer {
    /// How a review would end now.
    pub fn judge(&self, cluster: ClusterUid, holder: Holder<'_>) -> Result<Result<Entered, Refusal>, NotReady> {
        let now = self.parts.clock.now();
        let snapshot = self.parts.people.snapshot(now)?;
        let Some(gate) = snapshot.cluster(cluster).and_then(|facts| facts.gate.as_ref()) else {
            return Ok(Err(Refusal::NotIntegrated));
        };
        Ok(match holder {
            // A proof is looked at and not used up.
            Holder::Token(text) => match self.open(text, gate, now) {
                Ok(shown) => self.decide(&shown.token, shown.possession, cluster, gate, &snapshot).map(Entered::from),
                Err(why) => Err(why),
            },
            Holder::Account(token) => self.decide(token, Possession::Proven, cluster, gate, &snapshot).map(Entered::from),
        })
    }
}

impl From<Entry<'_>> for Entered {
    fn from(entry: Entry<'_>) -> Self {
        let groups = entry.groups.iter().filter_map(|group| group.as_str().parse().ok()).collect();
        Self { name: entry.name.as_str().to_owned(), groups }
    }
}
