//! Libraries that only some modules may use.

use crate::source::{NamedPath, Source};
use crate::{Rule, Violation, Workspace};

/// The rule that [`misplaced_names`] checks.
pub const RULE: Rule = Rule {
    rule: "Only `store` and `gateway` contain SQL. `model` does no I/O. Only `temporal` uses the Temporal client, and only \
        `saga` and `temporal` use its SDK. The workflow uses no clock, no random numbers and no I/O.",
    reason: "A library that only one module uses can be replaced there. Temporal cannot replay a workflow that reads a \
        clock or does I/O, so after the next release every running saga would be stuck.",
    remedy: "Call the module that may use the library. In the workflow use an activity, or the time and timers of \
        `WorkflowContext`.",
};

/// Libraries and names that are forbidden in some files.
struct Reserved {
    /// Whether a file must not use them.
    applies_to: fn(&str) -> bool,
    /// The libraries, or modules of libraries.
    libraries: &'static [&'static str],
    /// Names that must not be a part of any path.
    names: &'static [&'static str],
    /// The exceptions.
    allowed: &'static [&'static str],
}

const RESERVED: [Reserved; 5] = [
    Reserved {
        applies_to: |path| path.starts_with("service-") && path.contains("/src/model"),
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
            "common::redis_client",
        ],
        names: &[],
        // A type of the model may define how a column stores it.
        allowed: &["sqlx::Type", "sqlx::Encode", "sqlx::Decode"],
    },
    Reserved {
        applies_to: |path| !path.starts_with("orchestrator-temporal/src/temporal/"),
        libraries: &["temporalio_client"],
        names: &[],
        allowed: &[],
    },
    Reserved {
        applies_to: |path| {
            !["temporal", "saga"].iter().any(|module| path.starts_with(&format!("orchestrator-temporal/src/{module}/")))
        },
        libraries: &["temporalio_sdk"],
        names: &[],
        allowed: &[],
    },
    Reserved {
        applies_to: |path| ["saga/workflow.rs", "saga/steps.rs"].iter().any(|file| path.ends_with(file)),
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
        allowed: &[],
    },
    Reserved {
        applies_to: |path| {
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
        allowed: &[],
    },
];

impl Reserved {
    fn forbids(&self, path: &NamedPath) -> bool {
        let reserved = self.libraries.iter().any(|library| path.goes_into(library))
            || self.names.iter().any(|name| path.names(name));
        reserved && !self.allowed.iter().any(|allowed| path.names(allowed))
    }
}

/// All names in files that must not use them.
#[must_use]
pub fn misplaced_names(workspace: &Workspace) -> Vec<Violation> {
    workspace.product().flat_map(misplaced_in).collect()
}

fn misplaced_in(source: &Source) -> Vec<Violation> {
    let paths = source.paths();
    let reserved = RESERVED.iter().filter(|reserved| (reserved.applies_to)(&source.path));
    let found = reserved.flat_map(|reserved| paths.iter().filter(|path| reserved.forbids(path)));
    found.map(|path| Violation::at(&source.path, path.line, format!("uses `{}`", path.segments.join("::")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        misplaced_names(&Workspace::of(&[(path, text)])).len()
    }

    #[test]
    fn a_model_may_define_its_column_type_but_not_wait_or_query() {
        assert_eq!(count("service-x/src/model/mod.rs", "#[derive(sqlx::Type)]\nstruct A;"), 0);
        assert_eq!(count("service-x/src/model/mod.rs", "async fn f() { tokio::time::sleep(D).await }"), 1);
        assert_eq!(count("service-x/src/model/order.rs", "use sqlx::MySqlPool;"), 1);
    }

    #[test]
    fn a_store_and_a_test_may_contain_sql_but_a_domain_may_not() {
        let query = "fn f() { sqlx::query!(\"SELECT 1\"); }";
        assert_eq!(count("service-x/src/domain/orders.rs", query), 1);
        assert_eq!(count("service-x/src/store/orders.rs", query), 0);
        assert_eq!(count("service-x/src/domain/orders.rs", &format!("#[cfg(test)]\nmod tests {{ {query} }}")), 0);
    }

    #[test]
    fn only_some_modules_may_use_the_temporal_client_and_its_sdk() {
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
