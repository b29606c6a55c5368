//! Schema migrations: the embedded SQL files, and the types that describe their state.
//!
//! What a file asks for and the database lacks runs in one transaction under an advisory lock. The
//! record of what was applied is `audius_etl_migrations`, which the first migration makes.
//!
//! **Adoption.** Objects that were there before (a copy of production, a database of the Go ETL)
//! are kept as they are, and only ever added to ([`plan`]); the migration is then recorded as
//! *adopted*. Reverting an adopted migration drops exactly what it had created beside them and never
//! what it found.

mod catalog;
mod found;
mod golang;
mod losses;
mod plan;
mod recognise;
mod run;
mod statement;
mod text;

use std::fmt;

pub use self::losses::{Loss, losses};
pub use self::recognise::Origin;
pub use self::run::Migrator;

/// One migration: a pair of SQL files.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number; they run in ascending order, from 1 without gaps.
    pub version: i32,
    /// What it is about.
    pub name: &'static str,
    /// The SQL that applies it.
    pub up: &'static str,
    /// The SQL that reverts it on a database where it created everything itself. A file without
    /// statements stands for "drop what it was recorded to have created".
    pub down: &'static str,
    /// Checksums of the texts that earlier releases applied under this number and name.
    pub former: &'static [&'static str],
}

macro_rules! migrations {
    ($($version:literal $file:literal $(was $($former:literal)*)?),* $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $file,
            up: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/", $file, ".up.sql"
            )),
            down: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/", $file, ".down.sql"
            )),
            former: &[$($($former),*)?],
        }),*]
    };
}

/// All migrations, in order. The name of a migration is that of its files, number included.
pub const MIGRATIONS: &[Migration] = migrations![
    1 "0001_bookkeeping",
    2 "0002_entities"
        was "97fa5334fe6b3dfa339972a313d650a1c646ed9a912cb2b244026648daccaf78",
    3 "0003_social"
        was "812caa8b07410041b4571a27c6b3fecac8feec77f47349a44600c994b5ce9e63",
    4 "0004_totals"
        was "168ed939c05651f1f2b7ad06f1d0ae64e5b9fe4390c9d9a905e678a5e473cbbb",
    5 "0005_etl"
        was "378601d74511e4bb6c7bc8015a65ae895ecc380e41e7de15c64451b769f01379",
    6 "0006_go_columns"
        was "2564e332ad3de11081cb81cc08a6233c30514ad4d0b5bc4b758e85409abefc62",
    7 "0007_lookup_indexes",
    8 "0008_ethereum",
    9 "0009_sweep",
    10 "0010_delegators",
    11 "0011_read_blocks",
    12 "0012_etl_era",
    13 "0013_refusals",
    14 "0014_scale",
    15 "0015_plan",
    16 "0016_user_balances",
    17 "0017_releases",
];

impl Migration {
    /// Fingerprint of the up file that survives changes of comments and white space.
    pub fn checksum(&self) -> String {
        text::checksum(self.up)
    }

    /// Whether a database whose record has this checksum has what the migration makes.
    pub fn accepts(&self, checksum: &str) -> bool {
        self.former.contains(&checksum) || self.checksum() == checksum
    }
}

/// How a migration stands in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Applied, and everything in it was created by it.
    Applied,
    /// Applied on top of objects that were there before.
    Adopted,
    /// Not applied.
    Pending,
    /// Applied with other text than this program holds.
    Changed,
    /// Applied by a newer version of this program, which alone knows it.
    Unknown,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Applied => "applied",
            Self::Adopted => "adopted",
            Self::Pending => "pending",
            Self::Changed => "changed",
            Self::Unknown => "unknown",
        })
    }
}

/// One line of `migrate status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The number of the migration.
    pub version: i32,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// When it was applied, in UTC to the second; `None` if it is pending.
    pub applied_at: Option<String>,
}

/// What a run has done, or would do, to one migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of the migration.
    pub version: i32,
    /// Its name.
    pub name: String,
    /// The SQL of the step's transaction; empty if there is nothing to add.
    pub sql: String,
    /// Statements that run after it, each outside of a transaction.
    pub builds: Vec<String>,
    /// Whether the migration is adopted. Known only after the fact for one that is being applied.
    pub adopted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_from_one_and_match_the_file_names() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version).unwrap(), index + 1);
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)));
        }
    }

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(files, MIGRATIONS.len() * 2);
    }
}
