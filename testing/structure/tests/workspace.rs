//! Checks the rules on the files of this workspace. The unit tests of each check are in its file in `src/`.

use std::sync::LazyLock;

use structure::{
    Workspace, checklist, comments, cycles, documents, environment, glossary, layers, migrations, names, panics,
    reserved, retired, sizes,
};

static THIS: LazyLock<Workspace> = LazyLock::new(Workspace::this);

#[test]
fn the_workspace_was_found() {
    for path in ["common/src/lib.rs", "service-order/migrations/0001_create_orders.sql", "devtools/cli.py"] {
        assert!(THIS.has(path), "{path}");
    }
}

#[test]
fn modules_use_only_lower_layers() {
    layers::RULE.holds(&layers::upward_imports(&THIS));
}

#[test]
fn modules_use_each_other_without_a_cycle() {
    cycles::RULE.holds(&cycles::module_cycles(&THIS));
}

#[test]
fn libraries_are_used_only_where_they_are_allowed() {
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
fn names_of_files_and_modules_have_a_meaning() {
    names::NAMES.holds(&names::meaningless_names(&THIS));
}

#[test]
fn a_module_with_submodules_is_a_folder() {
    names::FOLDERS.holds(&names::split_modules(&THIS));
}

#[test]
fn every_file_begins_with_its_description() {
    names::DESCRIPTIONS.holds(&names::files_without_description(&THIS));
}

#[test]
fn code_outside_tests_does_not_panic() {
    panics::PANICS.holds(&panics::panics(&THIS));
}

#[test]
fn no_lint_is_suppressed_without_a_reason() {
    panics::LINTS.holds(&panics::suppressed_lints(&THIS));
}

#[test]
fn migrations_can_be_killed_and_run_again() {
    migrations::RULE.holds(&migrations::broken_migrations(&THIS));
}

#[test]
fn exactly_the_environment_variables_that_are_read_are_documented() {
    environment::RULE.holds(&environment::undocumented_variables(&THIS));
}

#[test]
fn links_and_paths_in_documents_exist() {
    documents::REFERENCES.holds(&documents::broken_references(&THIS));
}

#[test]
fn no_file_contains_a_path_of_one_machine() {
    documents::MACHINES.holds(&documents::machine_paths(&THIS));
}

#[test]
fn the_checklists_name_every_file_that_knows_a_step_or_a_service() {
    checklist::RULE.holds(&checklist::incomplete_checklists(&THIS));
}

#[test]
fn no_file_contains_a_retired_name() {
    retired::RULE.holds(&retired::retired_names(&THIS));
}

#[test]
fn production_code_has_few_comments() {
    println!("{}", comments::summary(&THIS));
    comments::RULE.holds(&comments::too_many_comments(&THIS));
}

#[test]
fn the_glossary_is_short_and_every_term_is_used() {
    glossary::RULE.holds(&glossary::glossary_faults(&THIS));
}
