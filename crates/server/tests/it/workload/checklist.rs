//! The checklist of `docs/security.md` names tests that exist.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_security_checklist_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/security.md")).expect("the page is there");
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    let all: String = files.iter().map(|path| fs::read_to_string(path).expect("text")).collect();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| O-") || line.starts_with("| R-")).collect();
    assert_eq!(rows.len(), 25, "O-01 to O-19 and R-20 to R-25");
    for row in rows {
        let proofs = row.trim_end_matches(" |").rsplit(" | ").next().expect("a last column");
        for name in proofs.split('`').skip(1).step_by(2) {
            assert!(all.contains(&format!("fn {name}(")), "`{name}` is no test: {row}");
        }
    }
}
