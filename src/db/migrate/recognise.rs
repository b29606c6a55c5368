//! Whose database it is, by what is in it.

use std::fmt;

use serde::Serialize;

use super::found::Found;

/// Who made the tables that are indexed into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nobody yet.
    Empty,
    /// This program.
    Ours,
    /// Production, as the Python provider left it.
    Production2025,
    /// Production, as the Go indexer changed it in 2026.
    Production2026,
    /// The Go ETL on its own.
    GoEtl,
    /// Somebody else.
    Other,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Empty => "empty",
            Self::Ours => "ours",
            Self::Production2025 => "production 2025",
            Self::Production2026 => "production 2026",
            Self::GoEtl => "Go ETL",
            Self::Other => "unknown",
        })
    }
}

impl Origin {
    /// Judges by what is there and was not added by migrations of this program.
    pub(super) fn of(found: &Found) -> Self {
        let theirs = |table: &str| found.is_theirs(table);
        let core = ["users", "tracks", "blocks"];
        if !core.iter().any(|table| found.tables.contains_key(*table)) {
            return Self::Empty;
        }
        if core.iter().all(|table| found.is_ours(table)) {
            return Self::Ours;
        }
        if !core.iter().all(|table| theirs(table)) {
            return Self::Other;
        }
        if theirs("plays") && theirs("aggregate_user") {
            let is_newer = !found.has_column("blocks", "is_current")
                || found.had_column("subscriptions", "entity_type")
                || theirs("track_collaborators");
            return if is_newer { Self::Production2026 } else { Self::Production2025 };
        }
        if theirs("etl_blocks") && theirs("etl_transactions") { Self::GoEtl } else { Self::Other }
    }
}
