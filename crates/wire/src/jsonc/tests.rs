use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(text: &str) -> Value {
    parse(text, Budget::default()).expect("it is read").value()
}

fn fault(text: &str) -> String {
    parse(text, Budget::default()).expect_err("it is refused").to_string()
}

#[test]
fn what_az_sends_is_read() {
    let sent = "{\"properties\": {\"mode\": \"Incremental\", template:{\r\n  // ours\r\n  \"a\": 1 /* one */,\r\n}}}";
    assert_eq!(read(sent), json!({ "properties": { "mode": "Incremental", "template": { "a": 1 } } }));
    assert_eq!(read("\u{feff}[\"one\n  two\"]"), json!(["one\n  two"]));
    assert_eq!(read(r#""\u00e4\ud83d\ude00\n\/""#), json!("ä😀\n/"));
    assert_eq!(read("[1.5e3, -7, 18446744073709551615]"), json!([1500.0, -7, 18_446_744_073_709_551_615_u64]));
}

#[test]
fn a_fault_tells_its_line_and_column() {
    assert_eq!(fault("{\n  \"ä\": tru\n}"), "this is no value, at line '2' and column '8'");
    assert_eq!(fault("{\"a\": 1 \"b\": 2}"), "`,` or `}` is missing, at line '1' and column '9'");
    assert_eq!(fault("{\"a\": 1, \"A\": 2}"), "member 'A' is there twice, at line '1' and column '13'");
    assert_eq!(fault("[1] x"), "something stands behind the end of the value, at line '1' and column '5'");
    assert_eq!(fault("/* a"), "a comment does not end, at line '1' and column '1'");
    assert_eq!(fault("\"a"), "a text does not end, at line '1' and column '1'");
    assert_eq!(fault(r#""\ud83d""#), "half of a pair of surrogates stands alone, at line '1' and column '2'");
    for bad in ["", "{", "[", "[,]", "nulls", "01", "--1", "{:1}", "\"\\x\"", "\"\u{1}\"", "1 2", "'a'"] {
        assert!(parse(bad, Budget::default()).is_err(), "{bad:?}");
    }
}

#[test]
fn a_budget_bounds_depth_size_and_number() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse(&deep(100), Budget::default()).is_ok());
    assert!(parse(&deep(101), Budget::default()).is_err());
    assert!(parse(&"[".repeat(1_000_000), Budget::default()).is_err());
    let small = Budget { bytes: 8, depth: 4, values: 3 };
    assert!(parse("[1,2]", small).is_ok());
    assert!(parse("[1,2,3]", small).is_err());
    assert!(parse("[1,      2]", small).is_err());
}

#[test]
fn a_path_leads_to_a_place() {
    let text = "{\n \"Resources\": [\n  {\"name\": \"x\"}\n ]\n}";
    let node = parse(text, Budget::default()).expect("it is read");
    let found = node.deepest(["resources", "0", "name", "nothing"]);
    assert_eq!((&text[found.start..found.end], position(text, found.start)), ("\"x\"", (3, 12)));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,6}", inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(value in values()) {
        prop_assert_eq!(read(&value.to_string()), value.clone());
        prop_assert_eq!(read(&serde_json::to_string_pretty(&value).expect("JSON is written")), value);
    }

    #[test]
    fn plain_json_is_read_as_everybody_reads_it(text in "[\\[\\]{}:,\"a0.\\-\\\\ ue1]{0,24}") {
        if let (Ok(ours), Ok(theirs)) = (parse(&text, Budget::default()), serde_json::from_str::<Value>(&text)) {
            prop_assert_eq!(ours.value(), theirs);
        }
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,60}") {
        if let Err(bad) = parse(&text, Budget::default()) {
            prop_assert!(bad.line >= 1 && bad.column >= 1);
        }
    }
}
