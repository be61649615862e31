//! Libraries that only some files may name.

use crate::source::{NamedPath, Source};
use crate::{Rule, Violation, Workspace};

/// What [`misplaced_names`] keeps.
pub const RULE: Rule = Rule {
    rule: "SQL is in `store` and `gateway`; `model` does no I/O; only `temporal` names the Temporal client, only \
        `saga` and `temporal` its SDK; the workflow names neither clock, chance nor I/O.",
    reason: "A library that one place names can be replaced there; a workflow that reads a clock or the world does \
        not replay, and every saga in flight at the next release is stuck.",
    remedy: "Call the module that owns the library. In the workflow use `WorkflowContext` (its time, its timers), \
        or an activity.",
};

/// What may be named only in some files.
struct Reserved {
    /// The files that it is about.
    about: fn(&str) -> bool,
    /// Libraries, and paths into them.
    libraries: &'static [&'static str],
    /// Names of any path.
    names: &'static [&'static str],
    /// What of it is free.
    free: &'static [&'static str],
}

const RESERVED: [Reserved; 5] = [
    Reserved {
        about: |path| path.starts_with("service-") && path.contains("/src/model"),
        libraries: &[
            "tokio",
            "reqwest",
            "redis",
            "axum",
            "sqlx",
            "std::fs",
            "std::net",
            "common::http",
            "common::database",
            "common::cache",
        ],
        names: &[],
        // How a value looks in a column is the value's business; which query fetches it is not.
        free: &["sqlx::Type", "sqlx::Encode", "sqlx::Decode"],
    },
    Reserved {
        about: |path| !path.starts_with("orchestrator-temporal/src/temporal/"),
        libraries: &["temporalio_client"],
        names: &[],
        free: &[],
    },
    Reserved {
        about: |path| {
            !["temporal", "saga"].iter().any(|module| path.starts_with(&format!("orchestrator-temporal/src/{module}/")))
        },
        libraries: &["temporalio_sdk"],
        names: &[],
        free: &[],
    },
    Reserved {
        about: |path| ["saga/workflow.rs", "saga/steps.rs"].iter().any(|file| path.ends_with(file)),
        libraries: &[
            "tokio",
            "reqwest",
            "sqlx",
            "redis",
            "axum",
            "rand",
            "std::fs",
            "std::net",
            "std::env",
            "std::thread",
        ],
        names: &["time::Instant", "Instant::now", "SystemTime::now", "Uuid::new_v4", "Uuid::now_v7"],
        free: &[],
    },
    Reserved {
        about: |path| {
            !["/src/store/", "/src/gateway/"].iter().any(|folder| path.contains(folder))
                && !path.starts_with("common/src/database/")
        },
        libraries: &[],
        names: &[
            "sqlx::query",
            "sqlx::query_as",
            "sqlx::query_scalar",
            "sqlx::query_file",
            "sqlx::raw_sql",
            "sqlx::QueryBuilder",
        ],
        free: &[],
    },
];

impl Reserved {
    fn forbids(&self, path: &NamedPath) -> bool {
        let reserved = self.libraries.iter().any(|library| path.goes_into(library))
            || self.names.iter().any(|name| path.names(name));
        reserved && !self.free.iter().any(|free| path.names(free))
    }
}

/// Names in files that may not name them.
#[must_use]
pub fn misplaced_names(workspace: &Workspace) -> Vec<Violation> {
    workspace.product().flat_map(misplaced_in).collect()
}

fn misplaced_in(source: &Source) -> Vec<Violation> {
    let paths = source.paths();
    let about = RESERVED.iter().filter(|reserved| (reserved.about)(&source.path));
    let found = about.flat_map(|reserved| paths.iter().filter(|path| reserved.forbids(path)));
    found.map(|path| Violation::at(&source.path, path.line, format!("names `{}`", path.segments.join("::")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        misplaced_names(&Workspace::of(&[(path, text)])).len()
    }

    #[test]
    fn a_model_that_waits_or_queries_is_found_and_one_that_says_how_it_is_stored_is_not() {
        assert_eq!(count("service-x/src/model/mod.rs", "#[derive(sqlx::Type)]\nstruct A;"), 0);
        assert_eq!(count("service-x/src/model/mod.rs", "async fn f() { tokio::time::sleep(D).await }"), 1);
        assert_eq!(count("service-x/src/model/order.rs", "use sqlx::MySqlPool;"), 1);
    }

    #[test]
    fn sql_in_a_domain_is_found_and_in_a_store_or_a_test_is_not() {
        let query = "fn f() { sqlx::query!(\"SELECT 1\"); }";
        assert_eq!(count("service-x/src/domain/orders.rs", query), 1);
        assert_eq!(count("service-x/src/store/orders.rs", query), 0);
        assert_eq!(count("service-x/src/domain/orders.rs", &format!("#[cfg(test)]\nmod tests {{ {query} }}")), 0);
    }

    #[test]
    fn temporals_client_and_sdk_have_their_places() {
        assert_eq!(count("orchestrator-temporal/src/saga/policy.rs", "use temporalio_client::Client;"), 1);
        assert_eq!(count("orchestrator-temporal/src/orders/mod.rs", "use temporalio_sdk::Worker;"), 1);
        let both = "use temporalio_client::Client;\nuse temporalio_sdk::Worker;";
        assert_eq!(count("orchestrator-temporal/src/temporal/worker.rs", both), 0);
    }

    #[test]
    fn a_workflow_that_reads_a_clock_is_found() {
        let file = "orchestrator-temporal/src/saga/workflow.rs";
        assert_eq!(count(file, "fn f() { std::time::SystemTime::now(); }"), 1);
        assert_eq!(count(file, "use std::time::{Duration, Instant};"), 1);
        assert_eq!(count(file, "use std::time::{Duration, SystemTime};"), 0);
    }
}
