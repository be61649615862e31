//! The rules of this workspace, checked on its files. What each check finds is tested beside it in `src/`.

use std::sync::LazyLock;

use structure::{Workspace, cycles, documents, environment, floors, migrations, names, panics, reserved, sizes};

static THIS: LazyLock<Workspace> = LazyLock::new(Workspace::this);

#[test]
fn the_workspace_was_found() {
    for path in ["common/src/lib.rs", "service-order/migrations/0001_create_orders.sql", "devtools/cli.py"] {
        assert!(THIS.has(path), "{path}");
    }
}

#[test]
fn modules_use_only_modules_below_them() {
    floors::RULE.holds(&floors::upward_imports(&THIS));
}

#[test]
fn modules_use_each_other_without_a_cycle() {
    cycles::RULE.holds(&cycles::module_cycles(&THIS));
}

#[test]
fn libraries_are_named_only_where_they_belong() {
    reserved::RULE.holds(&reserved::misplaced_names(&THIS));
}

#[test]
fn files_are_short() {
    sizes::FILES.holds(&sizes::long_files(&THIS));
}

#[test]
fn functions_are_short() {
    sizes::FUNCTIONS.holds(&sizes::long_functions(&THIS));
}

#[test]
fn names_say_what_is_in_a_file() {
    names::NAMES.holds(&names::empty_names(&THIS));
}

#[test]
fn a_module_with_parts_is_a_folder() {
    names::FOLDERS.holds(&names::split_modules(&THIS));
}

#[test]
fn every_file_says_first_what_it_is_for() {
    names::HEADS.holds(&names::files_without_a_head(&THIS));
}

#[test]
fn nothing_panics_outside_tests() {
    panics::PANICS.holds(&panics::panics(&THIS));
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    panics::LINTS.holds(&panics::silenced_lints(&THIS));
}

#[test]
fn migrations_can_be_killed_and_run_again() {
    migrations::RULE.holds(&migrations::broken_migrations(&THIS));
}

#[test]
fn every_environment_variable_is_documented_and_every_documented_one_is_read() {
    environment::RULE.holds(&environment::undocumented_variables(&THIS));
}

#[test]
fn documents_point_at_what_is_there() {
    documents::REFERENCES.holds(&documents::broken_references(&THIS));
}

#[test]
fn nothing_names_a_path_of_one_machine() {
    documents::MACHINES.holds(&documents::machine_paths(&THIS));
}
