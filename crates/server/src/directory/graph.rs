//! One tenant's people, applications, groups and direct memberships, in memory.
//!
//! Objects have dense numbers. A base holds them in flat arrays; changes since it was made lie over it in a small delta,
//! so that an update costs what changed and not what exists. When the delta has grown, both become a new base.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use entrance_model::id::{GroupId, PrincipalId};
use entrance_model::review::Principal;
use uuid::Uuid;

/// What an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Deleted, or known only because an edge names it.
    Gone,
    /// A person or an application.
    Principal(Principal),
    /// A group; only a security-enabled one gives rights.
    Group { security: bool },
}

/// A tenant's directory at one moment. Cheap to clone: what did not change is shared.
#[derive(Clone, Default)]
pub(super) struct Graph {
    base: Arc<Base>,
    delta: Delta,
}

#[derive(Default)]
struct Base {
    numbers: HashMap<Uuid, u32>,
    ids: Vec<Uuid>,
    nodes: Vec<Node>,
    parents: Edges,
    members: Edges,
}

/// Direct edges of every object, one after the other.
#[derive(Default)]
struct Edges {
    starts: Vec<u32>,
    ends: Vec<u32>,
}

#[derive(Clone, Default)]
struct Delta {
    numbers: HashMap<Uuid, u32>,
    ids: Vec<Uuid>,
    nodes: DenseMap<Arc<Node>>,
    parents: DenseMap<Arc<[u32]>>,
    members: DenseMap<Arc<[u32]>>,
}

type DenseMap<T> = HashMap<u32, T, BuildHasherDefault<DenseHasher>>;
type DenseSet = HashSet<u32, BuildHasherDefault<DenseHasher>>;

/// Dense numbers are ours, nobody outside chooses them: one multiplication spreads them well enough.
#[derive(Default)]
struct DenseHasher(u64);

impl Hasher for DenseHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.0 = (self.0 ^ u64::from(n)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Graph {
    /// A directory with everything that is in it.
    pub(super) fn load(objects: Vec<(Uuid, Node)>, edges: &[(GroupId, PrincipalId)]) -> Self {
        let mut base = Base::default();
        for (id, node) in objects {
            base.number(id, node);
        }
        let pairs: Vec<(u32, u32)> = edges
            .iter()
            .map(|(group, member)| (base.number(group.uuid(), Node::Gone), base.number(member.uuid(), Node::Gone)))
            .collect();
        base.parents = Edges::of(base.ids.len(), pairs.iter().map(|(group, member)| (*member, *group)));
        base.members = Edges::of(base.ids.len(), pairs.iter().copied());
        Self { base: Arc::new(base), delta: Delta::default() }
    }

    /// A person or an application.
    pub(super) fn principal(&self, id: PrincipalId) -> Option<&Principal> {
        match self.node(self.find(id.uuid())?) {
            Node::Principal(principal) => Some(principal),
            Node::Group { .. } | Node::Gone => None,
        }
    }

    /// The security-enabled groups that somebody is in, directly or through other groups, sorted.
    pub(super) fn groups_of(&self, id: PrincipalId) -> Vec<GroupId> {
        self.memberships(id, |security| security)
    }

    /// Groups of every kind that somebody is in, directly or through other groups, sorted.
    pub(super) fn all_groups_of(&self, id: PrincipalId) -> Vec<GroupId> {
        self.memberships(id, |_| true)
    }

    /// Each group is looked at once, so cycles end.
    fn memberships(&self, id: PrincipalId, counts: impl Fn(bool) -> bool) -> Vec<GroupId> {
        let Some(start) = self.find(id.uuid()) else { return Vec::new() };
        let (mut seen, mut queue, mut found) = (DenseSet::default(), self.parents(start).to_vec(), Vec::new());
        while let Some(group) = queue.pop() {
            if !seen.insert(group) {
                continue;
            }
            if let Node::Group { security } = self.node(group) {
                if counts(*security) {
                    found.push(GroupId::from_uuid(self.id(group)));
                }
                queue.extend_from_slice(self.parents(group));
            }
        }
        found.sort_unstable();
        found
    }

    /// How many objects there are, deleted ones included until the next base.
    pub(super) fn len(&self) -> usize {
        self.base.ids.len() + self.delta.ids.len()
    }

    /// Sets what an object is. A deleted one loses its edges.
    pub(super) fn set(&mut self, id: Uuid, node: Node) {
        let number = self.number(id);
        if node == Node::Gone {
            self.cut_off(number);
        }
        self.delta.nodes.insert(number, Arc::new(node));
    }

    /// Sets the direct members of a group.
    pub(super) fn set_members(&mut self, group: GroupId, members: impl IntoIterator<Item = PrincipalId>) {
        let group = self.number(group.uuid());
        let after: Arc<[u32]> = members.into_iter().map(|member| self.number(member.uuid())).collect();
        let (old, new): (DenseSet, DenseSet) = (self.members(group).iter().copied().collect(), after.iter().copied().collect());
        for member in new.difference(&old) {
            let parents = self.parents(*member).iter().copied().chain([group]).collect();
            self.delta.parents.insert(*member, parents);
        }
        for member in old.difference(&new) {
            self.without_parent(*member, group);
        }
        self.delta.members.insert(group, after);
    }

    /// Makes a new base once the delta costs more to carry along than it saves.
    pub(super) fn settle(&mut self) {
        let limit = (256 + self.base.ids.len() / 16).min(8_192);
        let delta = &self.delta;
        if delta.ids.len().max(delta.nodes.len()).max(delta.parents.len()).max(delta.members.len()) > limit {
            *self = self.compact();
        }
    }

    fn compact(&self) -> Self {
        let all = 0..u32::try_from(self.len()).expect("numbers are 32 bits wide");
        let alive = all.filter(|n| *self.node(*n) != Node::Gone || !self.parents(*n).is_empty());
        let mut objects = Vec::with_capacity(self.len());
        let mut edges = Vec::new();
        for n in alive {
            objects.push((self.id(n), self.node(n).clone()));
            let member = PrincipalId::from_uuid(self.id(n));
            edges.extend(self.parents(n).iter().map(|group| (GroupId::from_uuid(self.id(*group)), member)));
        }
        Self::load(objects, &edges)
    }

    fn cut_off(&mut self, number: u32) {
        for member in self.members(number).to_vec() {
            self.without_parent(member, number);
        }
        for group in self.parents(number).to_vec() {
            let rest = self.members(group).iter().copied().filter(|member| *member != number).collect();
            self.delta.members.insert(group, rest);
        }
        self.delta.members.insert(number, Arc::default());
        self.delta.parents.insert(number, Arc::default());
    }

    fn without_parent(&mut self, member: u32, group: u32) {
        let rest = self.parents(member).iter().copied().filter(|parent| *parent != group).collect();
        self.delta.parents.insert(member, rest);
    }

    fn find(&self, id: Uuid) -> Option<u32> {
        self.base.numbers.get(&id).or_else(|| self.delta.numbers.get(&id)).copied()
    }

    /// The number of an object, a new one if need be.
    fn number(&mut self, id: Uuid) -> u32 {
        if let Some(known) = self.find(id) {
            return known;
        }
        let number = u32::try_from(self.len()).expect("numbers are 32 bits wide");
        self.delta.ids.push(id);
        self.delta.numbers.insert(id, number);
        number
    }

    fn id(&self, number: u32) -> Uuid {
        let at = number as usize;
        self.base.ids.get(at).copied().unwrap_or_else(|| self.delta.ids[at - self.base.ids.len()])
    }

    fn node(&self, number: u32) -> &Node {
        self.delta.nodes.get(&number).map(Arc::as_ref).or_else(|| self.base.nodes.get(number as usize)).unwrap_or(&Node::Gone)
    }

    fn parents(&self, number: u32) -> &[u32] {
        self.delta.parents.get(&number).map_or_else(|| self.base.parents.of_one(number), AsRef::as_ref)
    }

    fn members(&self, number: u32) -> &[u32] {
        self.delta.members.get(&number).map_or_else(|| self.base.members.of_one(number), AsRef::as_ref)
    }
}

impl Base {
    fn number(&mut self, id: Uuid, node: Node) -> u32 {
        if let Some(known) = self.numbers.get(&id) {
            return *known;
        }
        let number = u32::try_from(self.ids.len()).expect("numbers are 32 bits wide");
        self.numbers.insert(id, number);
        self.ids.push(id);
        self.nodes.push(node);
        number
    }
}

impl Edges {
    /// Sorts pairs (from, to) into their places by counting.
    fn of(count: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0_u32; count + 1];
        for (from, _) in pairs.clone() {
            starts[from as usize + 1] += 1;
        }
        for n in 0..count {
            starts[n + 1] += starts[n];
        }
        let mut next = starts.clone();
        let mut ends = vec![0; starts[count] as usize];
        for (from, to) in pairs {
            ends[next[from as usize] as usize] = to;
            next[from as usize] += 1;
        }
        Self { starts, ends }
    }

    fn of_one(&self, number: u32) -> &[u32] {
        let at = number as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(from), Some(to)) => &self.ends[*from as usize..*to as usize],
            _ => &[],
        }
    }
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
