//! The grammar of G-102 and what clients send (G-108).

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(text: &str) -> Filter {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn matches(text: &str, object: &Value) -> bool {
    read(text).matches(object.as_object().expect("an object"))
}

#[test]
fn g_108_the_filters_that_az_sends_are_understood() {
    let app = json!({
        "appId": "0a0a0a0a-1111-2222-3333-444444444444",
        "displayName": "It's Prod",
        "mailNickname": "prod",
        "identifierUris": ["api://a", "api://b"],
        "servicePrincipalNames": ["0a0a0a0a-1111-2222-3333-444444444444"],
    });
    for filter in [
        "appId eq '0A0A0A0A-1111-2222-3333-444444444444'",
        "appId eq 0a0a0a0a-1111-2222-3333-444444444444",
        "displayName eq 'it''s prod'",
        "startswith(displayName,'IT')",
        "identifierUris/any(s:s eq 'api://b')",
        "servicePrincipalNames/any(c:c eq '0a0a0a0a-1111-2222-3333-444444444444')",
        "displayName eq 'It''s Prod' and mailNickname eq 'PROD'",
    ] {
        assert!(matches(filter, &app), "{filter}");
    }
    assert!(!matches("identifierUris/any(s:s eq 'api://c')", &app));
}

#[test]
fn g_102_every_operator_of_the_grammar_works() {
    let user = json!({
        "displayName": "Alice", "accountEnabled": true, "mail": null, "createdDateTime": "2024-05-01T10:00:00Z",
        "otherMails": ["a@x.example"], "identities": [{"issuer": "x"}], "age": 30,
    });
    for filter in [
        "accountEnabled eq true",
        "mail eq null",
        "not (mail ne null)",
        "not startswith(displayName,'B')",
        "displayName in ('Bob','alice')",
        "createdDateTime ge 2024-05-01",
        "createdDateTime lt 2024-05-01T10:00:01Z",
        "endswith(displayName,'CE')",
        "otherMails/$count eq 1",
        "otherMails/any()",
        "identities/any(i:i/issuer eq 'x' and not (i/issuer eq 'y'))",
        "otherMails/all(m:startswith(m,'a'))",
        "displayName eq 'Bob' or displayName eq 'Alice' and age gt 29",
        "(displayName eq 'Bob' or displayName eq 'Alice') AND age le 30",
        "displayname ne 'Bob'",
    ] {
        assert!(matches(filter, &user), "{filter}");
    }
    for filter in ["displayName eq 'Alice' and (age gt 30 or mail ne null)", "identities/any(i:i/issuer eq 'z')", "age in (1,2)"]
    {
        assert!(!matches(filter, &user), "{filter}");
    }
}

#[test]
fn g_102_what_is_no_filter_is_refused_with_its_position() {
    let at = |text: &str| match text.parse::<Filter>() {
        Err(BadFilter::Syntax { at, .. }) => at,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(at("displayName eq 'it's'"), 21);
    assert_eq!(at("displayName"), 11);
    assert_eq!(at("displayName eq"), 14);
    assert_eq!(at("(a eq 1"), 7);
    assert_eq!(at("a eq 1)"), 6);
    assert_eq!(at("a eq 1 b eq 2"), 7);
    assert_eq!(at("a like 'x'"), 2);
    assert_eq!(at(""), 0);
    assert_eq!("contains(a,'x')".parse::<Filter>(), Err(BadFilter::Function("contains".into())));
}

#[test]
fn g_102_a_hostile_filter_meets_the_budget() {
    assert_eq!("x".repeat(9000).parse::<Filter>(), Err(BadFilter::TooLong));
    assert_eq!("(".repeat(4000).parse::<Filter>(), Err(BadFilter::TooComplex));
    assert_eq!("not ".repeat(2000).parse::<Filter>(), Err(BadFilter::TooComplex));
    assert_eq!("a/any(x:".repeat(1000).parse::<Filter>(), Err(BadFilter::TooComplex));
    let many = vec!["a eq 1"; 101].join(" or ");
    assert_eq!(many.parse::<Filter>(), Err(BadFilter::TooComplex));
    let values = format!("a in ({})", vec!["1"; 101].join(","));
    assert_eq!(values.parse::<Filter>(), Err(BadFilter::TooComplex));
}

#[test]
fn a_filter_tells_which_index_may_be_used() {
    assert_eq!(read("displayName eq 'a' and mailNickname eq 'b'").requires("mailnickname"), Some("b"));
    assert_eq!(read("servicePrincipalNames/any(c:c eq 'x')").requires("servicePrincipalNames"), Some("x"));
    assert_eq!(read("displayName eq 'a' or mail eq 'b'").requires("displayName"), None);
    assert_eq!(read("not (displayName eq 'a')").requires("displayName"), None);
}

#[test]
fn a_filter_names_the_properties_it_asks_for() {
    assert_eq!(read("a eq 1 and b/any(x:x/c eq 2 or d eq 3)").properties(), ["a", "b", "d"]);
}

fn path() -> impl Strategy<Value = Path> {
    prop::collection::vec("p[a-zA-Z0-9_]{0,8}", 1..3).prop_map(Path)
}

fn op() -> impl Strategy<Value = Op> {
    prop::sample::select(Op::ALL.map(|(op, _)| op).to_vec())
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        "\\PC{0,12}".prop_map(Literal::Text),
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".prop_map(Literal::Guid),
        any::<bool>().prop_map(Literal::Bool),
        Just(Literal::Null),
        any::<i64>().prop_map(Literal::Number),
        (0_i64..4_000_000_000_000_000).prop_map(|us| Literal::Time(Timestamp::from_microsecond(us).expect("in range"))),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        (path(), op(), literal()).prop_map(|(path, op, value)| Filter::Compare { path, op, value }),
        (path(), prop::collection::vec(literal(), 1..4)).prop_map(|(path, values)| Filter::In { path, values }),
        (path(), any::<bool>(), "\\PC{0,12}").prop_map(|(path, start, text)| Filter::Affix {
            path,
            end: if start { End::Start } else { End::End },
            text
        }),
        (path(), op(), any::<i64>()).prop_map(|(path, op, value)| Filter::Count { path, op, value }),
        path().prop_map(|path| Filter::Lambda { path, of: Quantifier::Any, variable: String::new(), body: None }),
    ];
    leaf.prop_recursive(4, 30, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.clone().prop_map(|inner| Filter::Not(Box::new(inner))),
            (path(), "v[a-z]{0,3}", any::<bool>(), inner).prop_map(|(path, variable, any, body)| Filter::Lambda {
                path,
                of: if any { Quantifier::Any } else { Quantifier::All },
                variable,
                body: Some(Box::new(body)),
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back_as_it_was(filter in filter()) {
        prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        let _ = text.parse::<Filter>();
    }

    #[test]
    fn no_words_make_the_parser_panic(words in prop::collection::vec(prop::sample::select(vec!["(", ")", "not", "and", "or", "a", "eq", "'x'", "in", ",", "a/any(x:", "x/$count", "1", "startswith("]), 0..40)) {
        let _ = words.join(" ").parse::<Filter>();
    }
}
