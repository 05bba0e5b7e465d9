//! What the built-in roles allow: each role, each action we guard, in one golden file, and the rules behind its ticks.
//!
//! A new action changes the file: run with `INSTA_UPDATE=always`, and read what it gives to whom before keeping it.

use std::fmt::Write as _;

use super::*;

#[test]
fn the_access_matrix() {
    let roles = Roles::built_in();
    let width = Action::ALL.iter().map(|action| action.as_str().len()).max().unwrap_or_default();
    let letter = |at: usize| char::from(b'a' + u8::try_from(at).expect("fewer roles than letters"));
    let mut matrix = String::new();
    for (at, role) in roles.iter().enumerate() {
        writeln!(matrix, "{}  {}", letter(at), role.name).expect("text takes text");
    }
    let letters: Vec<String> = roles.iter().enumerate().map(|(at, _)| letter(at).to_string()).collect();
    writeln!(matrix, "\n{:width$}  {}", "", letters.join(" ")).expect("text takes text");
    for action in Action::ALL {
        let ticks: Vec<&str> =
            roles.iter().map(|role| if role.grants(Plane::Control, action.as_str()) { "✔" } else { "·" }).collect();
        writeln!(matrix, "{:width$}  {}", action.as_str(), ticks.join(" ")).expect("text takes text");
    }
    insta::assert_snapshot!("built_in_roles", matrix);
}

fn grants(role: &str, action: &str) -> bool {
    Roles::built_in().named(role).unwrap_or_else(|| panic!("{role}")).grants(Plane::Control, action)
}

#[test]
fn r_303_readers_and_writers_inside_a_cluster_cannot_fetch_a_kubeconfig() {
    for (role, may) in [("Reader", false), ("Writer", false), ("Admin", true), ("Cluster Admin", true)] {
        let role = format!("Azure Kubernetes Service RBAC {role}");
        assert_eq!(grants(&role, Action::ListUserCredential.as_str()), may, "{role}");
        assert!(!grants(&role, Action::ListAdminCredential.as_str()), "{role}");
    }
}

#[test]
fn r_304_the_two_credential_roles_do_not_contain_each_other() {
    let (user, admin) = ("Azure Kubernetes Service Cluster User Role", "Azure Kubernetes Service Cluster Admin Role");
    assert!(grants(user, Action::ListUserCredential.as_str()) && !grants(user, Action::ListAdminCredential.as_str()));
    assert!(grants(admin, Action::ListAdminCredential.as_str()) && !grants(admin, Action::ListUserCredential.as_str()));
}

#[test]
fn who_may_give_rights_may_say_who_is_cluster_admin_and_nobody_else() {
    let roles = Roles::built_in();
    let says = roles.iter().filter(|role| role.grants(Plane::Control, Action::ClusterAdminsWrite.as_str()));
    assert_eq!(says.map(|role| role.name.as_str()).collect::<Vec<_>>(), ["Owner", "User Access Administrator"]);
}

fn role(yes: &[&str], no: &[&str]) -> Permission {
    let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::new(*text)).collect();
    Permission { actions: patterns(yes), not_actions: patterns(no), ..Permission::default() }
}

#[test]
fn r_341_and_r_342_what_a_role_takes_out_it_takes_from_itself_only() {
    let (most, one) = (role(&["a/*"], &["a/delete"]), role(&["a/delete"], &[]));
    assert!(most.grants(Plane::Control, "a/write") && !most.grants(Plane::Control, "a/delete"));
    assert!([most, one].iter().any(|permission| permission.grants(Plane::Control, "a/delete")));
}

#[test]
fn r_346_control_plane_actions_never_grant_data_actions() {
    let all = role(&["*"], &[]);
    assert!(all.grants(Plane::Control, "a/b") && !all.grants(Plane::Data, "a/b"));
    let data = Permission { data_actions: vec![Pattern::new("*")], ..Permission::default() };
    assert!(data.grants(Plane::Data, "a/b") && !data.grants(Plane::Control, "a/b"));
}
