//! What one cluster refers to, put together from its objects, and how sure that is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use entrance_model::id::GroupId;

use super::mentions::{Mentions, Object};
use super::{BOUND, SOURCES, Source};

/// An object of a cluster that names somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The kind of object, as its address spells it: `clusterrolebindings`.
    pub resource: &'static str,
    /// `namespace/name`, or the name alone.
    pub object: String,
    /// What a binding gives: `ClusterRole/view`.
    pub role: Option<String>,
}

/// How a part of the view is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// What is watched.
    pub resource: &'static str,
    /// How long ago it was known to be complete; `None` when it is not known.
    pub age: Option<Duration>,
    /// Why it was not known when that was last found.
    pub trouble: Option<String>,
}

/// One cluster's view.
pub(super) struct View {
    began: Instant,
    /// When each source was last known to be complete, in milliseconds since `began`, and one more; 0 is never.
    confirmed: [AtomicU64; SOURCES],
    groups: ArcSwap<BTreeSet<GroupId>>,
    contents: Mutex<Contents>,
}

#[derive(Default)]
struct Contents {
    objects: [HashMap<String, Mentions>; SOURCES],
    /// How many objects mention a group.
    counts: BTreeMap<GroupId, usize>,
    trouble: [Option<String>; SOURCES],
}

impl View {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), confirmed: Default::default(), groups: ArcSwap::default(), contents: Mutex::default() }
    }

    /// The groups, if every source was complete a moment ago.
    pub(super) fn groups(&self, now: Instant) -> Option<Arc<BTreeSet<GroupId>>> {
        let is_fresh = |source: usize| self.age(source, now).is_some_and(|age| age <= BOUND);
        // First the set: one that is read after the check could be of a later, broken moment.
        let groups = self.groups.load_full();
        (0..SOURCES).all(is_fresh).then_some(groups)
    }

    fn age(&self, source: usize, now: Instant) -> Option<Duration> {
        let at = self.confirmed[source].load(Ordering::Acquire).checked_sub(1)?;
        Some(now.saturating_duration_since(self.began + Duration::from_millis(at)))
    }

    /// The objects that name somebody; a name is compared in lower case.
    pub(super) fn naming(&self, name: &str) -> Vec<Reference> {
        let contents = self.contents();
        let all = Source::ALL.iter().flat_map(|source| {
            let objects = contents.objects[source.index()].iter();
            objects.filter(|(_, mentions)| mentions.names.contains(name)).map(|(object, mentions)| Reference {
                resource: source.plural(),
                object: object.clone(),
                role: mentions.role.clone(),
            })
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by(|a, b| (a.resource, &a.object).cmp(&(b.resource, &b.object)));
        all
    }

    pub(super) fn states(&self, now: Instant) -> Vec<SourceState> {
        let contents = self.contents();
        let state = |source: &Source| SourceState {
            resource: source.plural(),
            age: self.age(source.index(), now),
            trouble: contents.trouble[source.index()].clone(),
        };
        Source::ALL.iter().map(state).collect()
    }

    /// Says that what is known of a source was complete at this moment.
    pub(super) fn confirm(&self, source: Source, at: Instant) {
        let millis = u64::try_from(at.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX - 1);
        self.confirmed[source.index()].fetch_max(millis + 1, Ordering::Release);
    }

    /// Says that a source is not known any more, and why.
    pub(super) fn doubt(&self, source: Source, why: String) {
        self.confirmed[source.index()].store(0, Ordering::Release);
        self.contents().trouble[source.index()] = Some(why);
    }

    /// Everything of a source, as it was listed.
    pub(super) fn replace(&self, source: Source, all: impl IntoIterator<Item = (String, Mentions)>) {
        let all = all.into_iter().filter(|(_, mentions)| mentions.is_something()).collect();
        let mut contents = self.contents();
        let before = std::mem::replace(&mut contents.objects[source.index()], all);
        let after: Vec<GroupId> = contents.objects[source.index()].values().flat_map(|m| m.groups.iter().copied()).collect();
        let gone = before.values().flat_map(|mentions| &mentions.groups);
        let changed = contents.count(after.iter(), gone);
        self.publish(&contents, changed);
    }

    /// An object is there, or is another now.
    pub(super) fn put(&self, source: Source, object: Object) {
        let mut contents = self.contents();
        let after = object.mentions.groups.clone();
        let objects = &mut contents.objects[source.index()];
        let before = if object.mentions.is_something() {
            objects.insert(object.key, object.mentions)
        } else {
            objects.remove(&object.key)
        };
        let before = before.unwrap_or_default().groups;
        let changed = contents.count(&after, &before);
        self.publish(&contents, changed);
    }

    /// An object is gone.
    pub(super) fn remove(&self, source: Source, key: &str) {
        let mut contents = self.contents();
        let Some(before) = contents.objects[source.index()].remove(key) else { return };
        let changed = contents.count([], &before.groups);
        self.publish(&contents, changed);
    }

    fn publish(&self, contents: &Contents, changed: bool) {
        if changed {
            self.groups.store(Arc::new(contents.counts.keys().copied().collect()));
        }
    }

    fn contents(&self) -> std::sync::MutexGuard<'_, Contents> {
        // What is in there is whole between two statements, whoever broke while holding it.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// Counts mentions that came and went; tells whether a group came or went with them.
    fn count<'g>(&mut self, came: impl IntoIterator<Item = &'g GroupId>, went: impl IntoIterator<Item = &'g GroupId>) -> bool {
        let mut changed = false;
        // First those that came: one that only moved is not gone in between.
        for group in came {
            let count = self.counts.entry(*group).or_default();
            changed |= *count == 0;
            *count += 1;
        }
        for group in went {
            if let Some(count) = self.counts.get_mut(group) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(group);
                    changed = true;
                }
            }
        }
        changed
    }
}

impl Mentions {
    fn is_something(&self) -> bool {
        !self.groups.is_empty() || !self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn group(n: u8) -> GroupId {
        GroupId::from_uuid(Uuid::from_u128(n.into()))
    }

    fn mentions(groups: &BTreeSet<u8>) -> Mentions {
        Mentions { groups: groups.iter().map(|n| group(*n)).collect(), ..Mentions::default() }
    }

    fn view() -> View {
        let view = View::new();
        for source in Source::ALL {
            view.confirm(source, Instant::now());
        }
        view
    }

    #[test]
    fn one_source_in_doubt_or_too_old_makes_the_whole_unknown() {
        let (view, now) = (View::new(), Instant::now());
        assert_eq!(view.groups(now), None, "nobody looked yet");
        for source in Source::ALL {
            assert_eq!(view.groups(now), None, "{source:?} was not looked at");
            view.confirm(source, now);
        }
        assert!(view.groups(now + BOUND.saturating_sub(Duration::from_millis(2))).is_some());
        assert_eq!(view.groups(now + BOUND + Duration::from_millis(2)), None, "nobody confirmed it in time");
        view.doubt(Source::RoleBindings, "gone".into());
        assert_eq!(view.groups(now), None);
        assert_eq!(view.states(now)[Source::RoleBindings.index()].trouble.as_deref(), Some("gone"));
        view.confirm(Source::RoleBindings, now);
        assert!(view.groups(now).is_some());
    }

    #[test]
    fn who_is_named_is_found_with_what_it_gives() {
        let view = view();
        let named = Mentions { names: ["alice@x.example".into()].into(), role: Some("Role/edit".into()), ..Mentions::default() };
        view.put(Source::RoleBindings, Object { key: "web/b".into(), version: "1".into(), mentions: named });
        let found = Reference { resource: "rolebindings", object: "web/b".into(), role: Some("Role/edit".into()) };
        assert_eq!(view.naming("alice@x.example"), [found]);
        assert_eq!(view.naming("bob@x.example"), []);
    }

    #[derive(Debug, Clone)]
    enum Change {
        Put(usize, u8, BTreeSet<u8>),
        Remove(usize, u8),
        Replace(usize, BTreeMap<u8, BTreeSet<u8>>),
    }

    fn change() -> impl Strategy<Value = Change> {
        let groups = || prop::collection::btree_set(0_u8..6, 0..4);
        prop_oneof![
            (0..3_usize, 0_u8..4, groups()).prop_map(|(s, k, g)| Change::Put(s, k, g)),
            (0..3_usize, 0_u8..4).prop_map(|(s, k)| Change::Remove(s, k)),
            (0..3_usize, prop::collection::btree_map(0_u8..4, groups(), 0..4)).prop_map(|(s, all)| Change::Replace(s, all)),
        ]
    }

    proptest! {
        #[test]
        fn the_set_is_what_the_objects_mention(changes in prop::collection::vec(change(), 1..40)) {
            let (view, mut naive) = (view(), BTreeMap::<(usize, u8), BTreeSet<u8>>::new());
            for change in changes {
                match change {
                    Change::Put(s, k, groups) => {
                        let object = Object { key: k.to_string(), version: String::new(), mentions: mentions(&groups) };
                        view.put(Source::ALL[s], object);
                        naive.insert((s, k), groups);
                    }
                    Change::Remove(s, k) => {
                        view.remove(Source::ALL[s], &k.to_string());
                        naive.remove(&(s, k));
                    }
                    Change::Replace(s, all) => {
                        view.replace(Source::ALL[s], all.iter().map(|(k, groups)| (k.to_string(), mentions(groups))));
                        naive.retain(|(source, _), _| *source != s);
                        naive.extend(all.into_iter().map(|(k, groups)| ((s, k), groups)));
                    }
                }
                let wanted: BTreeSet<GroupId> = naive.values().flatten().map(|n| group(*n)).collect();
                let known = view.groups(Instant::now()).expect("it was just confirmed");
                prop_assert_eq!(&*known, &wanted);
            }
        }
    }
}
