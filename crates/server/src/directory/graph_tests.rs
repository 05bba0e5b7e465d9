use std::collections::{BTreeMap, BTreeSet};

use entrance_model::Timestamp;
use entrance_model::well_known::GRAPH;
use proptest::prelude::*;

use super::*;

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn group(n: u128) -> GroupId {
    GroupId::from_uuid(uuid(n))
}

fn member(n: u128) -> PrincipalId {
    PrincipalId::from_uuid(uuid(n))
}

fn person() -> Node {
    Node::Principal(Principal::Person {
        upn: "a@contoso.example".parse().expect("a UPN"),
        enabled: true,
        valid_from: Timestamp::UNIX_EPOCH,
    })
}

const SECURITY: Node = Node::Group { security: true };

#[test]
fn r_421_membership_flows_from_child_to_parent_and_only_security_groups_count() {
    let objects =
        vec![(uuid(1), person()), (uuid(10), SECURITY), (uuid(11), Node::Group { security: false }), (uuid(12), SECURITY)];
    let graph = Graph::load(objects, &[(group(10), member(1)), (group(11), member(10)), (group(12), member(11))]);
    assert_eq!(graph.groups_of(member(1)), [group(10), group(12)], "a mail group gives no rights itself and is no wall");
    assert_eq!(graph.groups_of(member(12)), [], "nothing flows down");
    assert_eq!(graph.groups_of(member(99)), []);
}

#[test]
fn s_424_a_chain_of_a_thousand_groups_and_a_cycle_end() {
    let objects = std::iter::once((uuid(1), person())).chain((1_000..2_000).map(|n| (uuid(n), SECURITY))).collect();
    let mut edges: Vec<_> = (1_001..2_000).map(|n| (group(n), member(n - 1))).collect();
    edges.push((group(1_000), member(1)));
    edges.push((group(1_000), member(1_999)));
    assert_eq!(Graph::load(objects, &edges).groups_of(member(1)).len(), 1_000);
}

#[test]
fn s_424_a_person_in_ten_thousand_groups_is_in_all_of_them() {
    let mut graph = Graph::load(vec![(uuid(1), person())], &[]);
    for n in 10_000..20_000 {
        graph.set(uuid(n), SECURITY);
        graph.set_members(group(n), [member(1)]);
        graph.settle();
    }
    let groups = graph.groups_of(member(1));
    assert_eq!(groups.len(), 10_000);
    assert!(groups.is_sorted());
}

#[test]
fn a_deleted_group_gives_nothing_and_a_new_one_of_the_same_number_inherits_nothing() {
    let objects = vec![(uuid(1), person()), (uuid(10), SECURITY), (uuid(11), SECURITY)];
    let mut graph = Graph::load(objects, &[(group(10), member(1)), (group(11), member(10))]);
    graph.set(uuid(10), Node::Gone);
    assert_eq!(graph.groups_of(member(1)), []);
    graph.set(uuid(10), SECURITY);
    assert_eq!(graph.groups_of(member(1)), []);
    assert_eq!(graph.groups_of(member(10)), []);
}

#[test]
fn an_application_is_a_principal_and_a_group_is_none() {
    let robot = Principal::Application { app: GRAPH, enabled: true };
    let graph = Graph::load(vec![(uuid(1), Node::Principal(robot.clone())), (uuid(2), SECURITY)], &[]);
    assert_eq!(graph.principal(member(1)), Some(&robot));
    assert_eq!(graph.principal(member(2)), None);
}

/// What the graph promises, written down without any cleverness.
#[derive(Default)]
struct Naive {
    groups: BTreeMap<u128, bool>,
    people: BTreeSet<u128>,
    edges: BTreeSet<(u128, u128)>,
}

impl Naive {
    fn groups_of(&self, id: u128) -> Vec<GroupId> {
        let mut all = BTreeSet::new();
        loop {
            let more: BTreeSet<_> = self
                .edges
                .iter()
                .filter(|(g, m)| (*m == id || all.contains(m)) && self.groups.contains_key(g))
                .map(|(g, _)| *g)
                .collect();
            if more.is_subset(&all) {
                return all.into_iter().filter(|g| self.groups[g]).map(group).collect();
            }
            all.extend(more);
        }
    }

    fn remove(&mut self, id: u128) {
        self.groups.remove(&id);
        self.people.remove(&id);
        self.edges.retain(|(g, m)| *g != id && *m != id);
    }
}

#[derive(Debug, Clone)]
enum Change {
    Person(u128),
    Group(u128, bool),
    Members(u128, BTreeSet<u128>),
    Remove(u128),
    Compact,
}

fn change() -> impl Strategy<Value = Change> {
    // Few ids, so that edges meet and make diamonds and cycles.
    prop_oneof![
        (0_u128..6).prop_map(Change::Person),
        (10_u128..20, any::<bool>()).prop_map(|(id, security)| Change::Group(id, security)),
        (10_u128..20, prop::collection::btree_set(prop_oneof![0_u128..6, 10_u128..20], 0..6))
            .prop_map(|(id, members)| Change::Members(id, members)),
        prop_oneof![0_u128..6, 10_u128..20].prop_map(Change::Remove),
        Just(Change::Compact),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_closure_is_the_naive_one(changes in prop::collection::vec(change(), 1..60)) {
        let (mut graph, mut naive) = (Graph::default(), Naive::default());
        for change in changes {
            match change {
                Change::Person(id) => {
                    naive.people.insert(id);
                    graph.set(uuid(id), person());
                }
                Change::Group(id, security) => {
                    naive.groups.insert(id, security);
                    graph.set(uuid(id), Node::Group { security });
                }
                Change::Members(id, members) => {
                    naive.edges.retain(|(g, _)| *g != id);
                    naive.edges.extend(members.iter().map(|m| (id, *m)));
                    graph.set_members(group(id), members.into_iter().map(member));
                }
                Change::Remove(id) => {
                    naive.remove(id);
                    graph.set(uuid(id), Node::Gone);
                }
                Change::Compact => graph = graph.compact(),
            }
            for id in (0..6).chain(10..20) {
                prop_assert_eq!(graph.groups_of(member(id)), naive.groups_of(id), "of {}", id);
                prop_assert_eq!(graph.principal(member(id)).is_some(), naive.people.contains(&id));
            }
        }
    }
}
