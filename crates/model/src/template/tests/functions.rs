//! What functions say, and what they refuse.

use super::*;

#[test]
fn functions_say_what_they_say_elsewhere() {
    for (expression, value) in [
        ("[concat('a', 1, true())]", json!("a1True")),
        ("[concat(createArray(1), createArray('b'))]", json!([1, "b"])),
        ("[format('{0}-{1:D3}-{{{2:N0}}}|{0,4}|', 'a', 7, 1234567)]", json!("a-007-{1,234,567}|   a|")),
        ("[toUpper(substring('kubernetes', 1, 3))]", json!("UBE")),
        ("[replace('a-b-c', '-', '')]", json!("abc")),
        ("[split('a,b;c', createArray(',', ';'))]", json!(["a", "b", "c"])),
        ("[join(createArray('a', 1), '-')]", json!("a-1")),
        ("[padLeft(7, 3, '0')]", json!("007")),
        ("[trim('  x ')]", json!("x")),
        ("[startsWith('Abc', 'aB')]", json!(true)),
        ("[endsWith('Abc', 'BC')]", json!(true)),
        ("[indexOf('Abc', 'C')]", json!(2)),
        ("[contains(variables('v'), 'NAME')]", json!(true)),
        ("[contains('Abc', 'b')]", json!(true)),
        ("[length(variables('v').list)]", json!(3)),
        ("[empty('')]", json!(true)),
        ("[first('abc')]", json!("a")),
        ("[last(variables('v').LIST)]", json!(3)),
        ("[variables('v')['name']]", json!("x")),
        ("[variables('v').list[1]]", json!(2)),
        ("[if(equals(1, 2), div(1, 0), 'no')]", json!("no")),
        ("[and(false(), equals(div(1, 0), 1))]", json!(false)),
        ("[or(not(false()), false())]", json!(true)),
        ("[greaterOrEquals('b', 'a')]", json!(true)),
        ("[less(1, 2)]", json!(true)),
        ("[bool('true')]", json!(true)),
        ("[coalesce(null(), 'x')]", json!("x")),
        ("[add(int('4'), mul(2, sub(5, mod(7, 4))))]", json!(8)),
        ("[max(1, 9, 3)]", json!(9)),
        ("[min(createArray(4, 2))]", json!(2)),
        ("[range(3, 3)]", json!([3, 4, 5])),
        ("[string(createObject('a', 1))]", json!("{\"a\":1}")),
        ("[json('{\"a\": [1]}').a[0]]", json!(1)),
        ("[array('x')]", json!(["x"])),
        (
            "[union(createObject('a', createObject('x', 1)), createObject('A', createObject('y', 2)))]",
            json!({"a": {"x": 1, "y": 2}}),
        ),
        ("[union(createArray(1, 2), createArray(2, 3))]", json!([1, 2, 3])),
        ("[intersection(createArray(1, 2), createArray(2, 3))]", json!([2])),
        ("[skip(createArray(1, 2, 3), 1)]", json!([2, 3])),
        ("[take('abc', 2)]", json!("ab")),
        ("[base64('Entrance!')]", json!("RW50cmFuY2Uh")),
        ("[base64ToString(base64('ä1'))]", json!("ä1")),
        ("[uri('https://contoso.example/a/', 'b.json')]", json!("https://contoso.example/a/b.json")),
        ("[uriComponent('a b/ä')]", json!("a%20b%2F%C3%A4")),
        ("[uriComponentToString('a%20b')]", json!("a b")),
        ("[resourceGroup().tags.team]", json!("shop")),
        ("[subscription().subscriptionId]", json!(S)),
        ("[deployment().name]", json!("d1")),
        (
            "[resourceId('Microsoft.ContainerService/managedClusters/agentPools', 'c', 'p')]",
            json!(format!(
                "/subscriptions/{S}/resourceGroups/rg1/providers/Microsoft.ContainerService/managedClusters/c/agentPools/p"
            )),
        ),
        (
            "[resourceId('other', 'Microsoft.ContainerService/managedClusters', 'c')]",
            json!(format!("/subscriptions/{S}/resourceGroups/other/providers/Microsoft.ContainerService/managedClusters/c")),
        ),
        (
            "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')]",
            json!(format!("/subscriptions/{S}/providers/Microsoft.Authorization/roleDefinitions/r")),
        ),
        (
            "[tenantResourceId('Microsoft.Authorization/roleDefinitions', 'r')]",
            json!("/providers/Microsoft.Authorization/roleDefinitions/r"),
        ),
        (
            "[extensionResourceId('/a/b', 'Microsoft.Authorization/roleAssignments', 'r')]",
            json!("/a/b/providers/Microsoft.Authorization/roleAssignments/r"),
        ),
        ("[[concat('a')]", json!("[concat('a')]")),
        ("it's", json!("it's")),
        ("[tryGet(variables('v'), 'none')]", json!(null)),
        (
            "[map(variables('v').list, lambda('x', 'i', add(mul(10, lambdaVariables('i')), lambdaVariables('X'))))]",
            json!([1, 12, 23]),
        ),
        (
            "[map(createArray(1, 2), lambda('x', map(createArray(10, 20), lambda('y', add(lambdaVariables('x'), lambdaVariables('y'))))))]",
            json!([[11, 21], [12, 22]]),
        ),
        ("[filter(variables('v').list, lambda('x', greater(lambdaVariables('x'), 1)))]", json!([2, 3])),
        ("[reduce(variables('v').list, 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))]", json!(6)),
        ("[sort(createArray(2, 3, 1), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]", json!([1, 2, 3])),
        (
            "[toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')), lambda('x', toUpper(lambdaVariables('x'))))]",
            json!({"a": "A", "b": "B"}),
        ),
        ("[mapValues(createObject('a', 1), lambda('x', add(lambdaVariables('x'), 1)))]", json!({"a": 2})),
        (
            "[groupBy(createArray('ab', 'ac', 'b'), lambda('x', first(lambdaVariables('x'))))]",
            json!({"a": ["ab", "ac"], "b": ["b"]}),
        ),
    ] {
        assert_eq!(evaluate(expression), value, "{expression}");
    }
}

#[test]
fn names_made_of_values_are_always_the_same() {
    assert_eq!(evaluate("[uniqueString('a', 'b')]"), evaluate("[uniqueString('a', 'b')]"));
    assert_ne!(evaluate("[uniqueString('a', 'b')]"), evaluate("[uniqueString('a-b')]"));
    let unique = evaluate("[uniqueString(resourceGroup().id)]");
    let unique = unique.as_str().expect("a text");
    assert!(unique.len() == 13 && unique.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b)), "{unique}");
    // `guid` is the UUIDv5 of the joined texts in the original's own namespace.
    assert_eq!(evaluate("[guid('a', 'b')]"), evaluate("[guid('a-b')]"));
}

#[test]
fn what_an_expression_cannot_say_is_told_with_its_place() {
    for (expression, words) in [
        ("[nothing()]", "There is no function `nothing`."),
        ("[variables('w')]", "The template has no variable 'w'."),
        ("[parameters('w')]", "The template has no parameter 'w'."),
        ("[variables('v').y]", "The object has no member 'y'; it has Name, list."),
        ("[variables('v').list[3]]", "The array has 3 items, and none at 3."),
        ("[div(1, 0)]", "1 and 0 have no such result: it does not fit, or it divides by 0."),
        ("[add(9223372036854775807, 1)]", "9223372036854775807 and 1 have no such result: it does not fit, or it divides by 0."),
        ("[substring('abc', 2, 5)]", "`substring` asks for 5 characters from 2 on, and the text has 3."),
        ("[utcNow()]", "`utcNow` can be used only in the default of a parameter, so that the same deployment is the same again."),
        ("[copyIndex()]", "`copyIndex` stands in no loop."),
        ("[listKeys('x', '2020-01-01')]", "`listKeys` would hand out credentials into a template, and is not evaluated here."),
        ("[map(variables('v').list, 1)]", "A `lambda` with names and a value is needed here."),
        (
            "[filter(variables('v').list, lambda('x', lambdaVariables('x')))]",
            "The lambda must say a bool here, not a value of type int.",
        ),
        ("[map(variables('v').list, lambda('x', lambdaVariables('y')))]", "No lambda around it has the name 'y'."),
        ("[lambda('x', 1)]", "`lambda` stands only where a function is asked for, such as in `map`."),
        ("[getSecret('x')]", "`getSecret` cannot be used: there are no key vaults here; use a parameter of type secureString."),
        ("[equals(1)]", "`equals` takes 2 arguments, not 1."),
        ("[range(0, 10001)]", "Argument 2 of `range` must be a number of items up to 10000, not of type int."),
        ("[format('{1}', 1)]", "`{1}` is no place that `format` can fill: there is no such argument."),
        ("[toLower(7)]", "Argument 1 of `toLower` must be a string, not of type int."),
    ] {
        assert_eq!(fault(said(expression)), format!("outputs.o.value[0]: {words}"), "{expression}");
    }
}
