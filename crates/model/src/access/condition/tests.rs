//! Conditions as people write them, as the original's portal writes them, and as somebody hostile would.

use proptest::prelude::*;

use super::compare::{ALL, QUANTIFIERS};
use super::*;

const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";
const ROLE: &str = "Microsoft.Authorization/roleAssignments:RoleDefinitionId";
const TYPE: &str = "Microsoft.Authorization/roleAssignments:PrincipalType";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

fn read(text: &str) -> Condition {
    Condition::read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    Condition::read(text).expect_err("it is no condition").to_string()
}

fn asks(name: &str, value: &str) -> Attributes {
    Attributes::default().with(Source::Request, name, value)
}

#[test]
fn r_347_a_delegate_gives_only_the_roles_in_the_condition() {
    let condition = read(&format!(
        "(\n (\n  !(ActionMatches{{'{WRITE}'}})\n )\n OR\n (\n  @Request[{ROLE}] ForAnyOfAnyValues:GuidEquals {{{READER}, \
         4abbcc35-e782-43d8-92c5-2d3f1bd2253f}}\n  AND\n  @Request[{TYPE}] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'User', 'Group'}}\n )\n)\nAND\n(\n (\n  \
         !(ActionMatches{{'{DELETE}'}})\n )\n OR\n (\n  @Resource[{ROLE}] ForAnyOfAnyValues:GuidEquals {{{READER}}}\n )\n)"
    ));
    let user = |role: &str, kind: &str| asks(ROLE, role).with(Source::Request, TYPE, kind);
    assert!(condition.holds(WRITE, &user(READER, "User")));
    assert!(condition.holds(WRITE, &user(&READER.to_uppercase(), "group")));
    assert!(!condition.holds(WRITE, &user(OWNER, "User")));
    assert!(!condition.holds(WRITE, &user(READER, "ServicePrincipal")));
    assert!(!condition.holds(WRITE, &Attributes::default()), "nothing is known of the request");
    let there = |role: &str| Attributes::default().with(Source::Resource, ROLE, role);
    assert!(condition.holds(DELETE, &there(READER)) && !condition.holds(DELETE, &there(OWNER)));
    assert!(
        condition.holds("Microsoft.Authorization/roleAssignments/read", &Attributes::default()),
        "other actions are left alone"
    );
}

#[test]
fn r_347_all_roles_but_some() {
    let condition =
        read(&format!("@Request[{ROLE}] ForAnyOfAllValues:GuidNotEquals {{{OWNER}, 18d7d88d-d35e-4fb5-a5c3-7773c20a72d9}}"));
    assert!(condition.holds(WRITE, &asks(ROLE, READER)));
    assert!(!condition.holds(WRITE, &asks(ROLE, OWNER)));
    assert!(!condition.holds(WRITE, &asks(ROLE, "not a GUID")), "what is no GUID differs from nothing");
}

#[test]
fn r_348_what_is_not_there_compares_with_nothing() {
    let nothing = Attributes::default();
    for operator in ALL {
        let value = if operator.takes(READER) { format!("'{READER}'") } else { "true".to_owned() };
        assert!(!read(&format!("@Request[a] {operator} {value}")).holds("x", &nothing), "{operator}");
        assert!(!read(&format!("@Request[a] {operator} @Principal[b]")).holds("x", &asks("a", "v")), "{operator}");
    }
    assert!(read("NOT Exists @Request[a]").holds("x", &nothing));
    assert!(read("exists @Request[A]").holds("x", &asks("a", "v")));
    assert!(!read("Exists @Resource[a]").holds("x", &asks("a", "v")), "another source");
}

#[test]
fn r_348_the_operators() {
    for (left, operator, right, holds) in [
        ("Prod", "StringEquals", "Prod", true),
        ("Prod", "StringEquals", "prod", false),
        ("Prod", "StringEqualsIgnoreCase", "pROD", true),
        ("Prod", "StringNotEquals", "prod", true),
        ("Prod", "StringNotEqualsIgnoreCase", "prod", false),
        ("prod-1", "StringStartsWith", "prod", true),
        ("prod-1", "StringNotStartsWith", "prod", false),
        ("Prod-1", "StringStartsWithIgnoreCase", "prod", true),
        ("prod-1", "StringLike", "p*-?", true),
        ("prod-12", "StringLike", "p*-?", false),
        ("prod-12", "StringNotLike", "p*-?", true),
        ("PROD", "StringLikeIgnoreCase", "p*d", true),
        ("a*c", "StringLike", "a\\*c", true),
        ("abc", "StringLike", "a\\*c", false),
        ("true", "BoolEquals", "TRUE", true),
        ("true", "BoolNotEquals", "true", false),
        (READER, "GuidNotEquals", OWNER, true),
    ] {
        let condition = read(&format!("@Request[a] {operator} '{right}'"));
        assert_eq!(condition.holds("x", &asks("a", left)), holds, "{left} {operator} {right}");
    }
}

#[test]
fn r_348_how_many_values_have_to_agree() {
    let both = Attributes::default().with_all(Source::Request, "a", vec!["x".into(), "y".into()]);
    for (word, right, holds) in [
        ("ForAnyOfAnyValues", "{'x'}", true),
        ("ForAllOfAnyValues", "{'x'}", false),
        ("ForAllOfAnyValues", "{'x', 'y', 'z'}", true),
        ("ForAnyOfAllValues", "{'x', 'y'}", false),
        ("ForAllOfAllValues", "{'x'}", false),
    ] {
        assert_eq!(read(&format!("@Request[a] {word}:StringEquals {right}")).holds("x", &both), holds, "{word} {right}");
    }
    assert!(!read("@Request[a] StringEquals 'x'").holds("x", &both), "one value against one");
}

#[test]
fn r_326_what_is_no_condition_is_refused_with_its_place() {
    for (text, words) in [
        ("", "an attribute such as @Request[…], or ActionMatches{'…'} is expected (column 1)"),
        ("ActionMatches{'a'", "`}` is expected (column 18)"),
        ("ActionMatches{'a}", "the text has no end; a single quote is missing (column 16)"),
        ("ActionMatches{'a'} x", "AND, OR or the end is expected (column 20)"),
        ("Exists @Request[a] AND Exists @Request[b] OR Exists @Request[c]", "AND and OR stand side by side"),
        ("@Environment[UtcNow] StringEquals 'a'", "attributes are @Request[…], @Resource[…] and @Principal[…]"),
        ("@Request[a] NumericEquals 1", "an operator such as StringEquals"),
        ("@Request[a] GuidEquals 'me'", "GuidEquals cannot compare with this value"),
        ("@Request[a] StringEquals {'a', 'b'}", "several values need a word"),
        ("@Request[a] ForAnyOfAnyValues:StringEquals {}", "a value is expected"),
        ("@Request[] StringEquals 'a'", "this is no name of an attribute"),
        ("SubOperationMatches{'a'}", "SubOperationMatches is not offered"),
    ] {
        let told = refused(text);
        assert!(told.contains(words), "{text}: {told}");
    }
    assert!(refused(&"(".repeat(8000)).contains("deeper than 32"));
    assert!(refused(&"!".repeat(8000)).contains("deeper than 32"));
    assert!(refused(&" ".repeat(9000)).contains("longer than 8192"));
}

#[test]
fn r_347_a_kept_condition_that_cannot_be_read_holds_never() {
    assert!(!Condition::kept("whatever".to_owned()).holds("x", &Attributes::default()));
}

fn shown(rule: &Rule) -> String {
    let attribute = |a: &Attribute| format!("@{}[{}]", a.source.as_str(), a.name);
    let text = |t: &str| format!("'{}'", t.replace('\'', "\\'"));
    let joined = |rules: &[Rule], word: &str| rules.iter().map(|r| format!("({})", shown(r))).collect::<Vec<_>>().join(word);
    match rule {
        Rule::Not(rule) => format!("!({})", shown(rule)),
        Rule::All(rules) => joined(rules, " AND "),
        Rule::Any(rules) => joined(rules, "||"),
        Rule::Action(pattern) => format!("ActionMatches{{{}}}", text(pattern.as_str())),
        Rule::Exists(a) => format!("Exists {}", attribute(a)),
        Rule::Compare { left, quantifier, operator, right } => {
            let many = quantifier.map_or_else(String::new, |q| format!("{q}:"));
            let right = match right {
                Operand::Attribute(a) => attribute(a),
                Operand::Values(values) => format!("{{{}}}", values.iter().map(|v| text(v)).collect::<Vec<_>>().join(",")),
            };
            format!("{} {many}{operator} {right}", attribute(left))
        }
    }
}

fn attribute() -> impl Strategy<Value = Attribute> {
    (prop_oneof![Just(Source::Request), Just(Source::Resource), Just(Source::Principal)], "[A-Za-z][A-Za-z./:]{0,20}")
        .prop_map(|(source, name)| Attribute { source, name })
}

fn rule() -> impl Strategy<Value = Rule> {
    // A backslash before the closing quote would read as part of the text; nobody can write such a text.
    let text = "[a-zA-Z0-9 *?'äß]{0,12}";
    let compare = (
        attribute(),
        proptest::option::of(0..4_usize),
        0..12_usize,
        prop::collection::vec(text, 1..4),
        attribute(),
        any::<bool>(),
    );
    let compare = compare.prop_map(|(left, quantifier, operator, mut values, other, to_attribute)| {
        if quantifier.is_none() {
            values.truncate(1);
        }
        let right = if to_attribute { Operand::Attribute(other) } else { Operand::Values(values) };
        Rule::Compare { left, quantifier: quantifier.map(|at| QUANTIFIERS[at]), operator: ALL[operator], right }
    });
    let leaf = prop_oneof![
        "[a-zA-Z./*]{1,20}".prop_map(|text| Rule::Action(Pattern::new(text))),
        attribute().prop_map(Rule::Exists),
        compare,
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|rule| Rule::Not(Box::new(rule))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Rule::All),
            prop::collection::vec(inner, 2..4).prop_map(Rule::Any),
        ]
    })
}

proptest! {
    #[test]
    fn r_326_what_is_shown_is_read_again(rule in rule()) {
        let text = shown(&rule);
        prop_assert_eq!(parse::parse(&text).map_err(|e| format!("{text}: {e}")), Ok(rule));
    }

    #[test]
    fn r_326_no_text_breaks_the_reader(text in "[@!(){}'\\[\\]A-Za-z:&|,ä\\\\ ]{0,80}") {
        let _ = Condition::read(&text);
    }
}
