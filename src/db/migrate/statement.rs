//! The statements of a migration, as far as one has to understand them to decide whether a database
//! needs them. The files use no others; a test sees to that.

use std::sync::LazyLock;

use regex::Regex;

use super::text;

/// A statement with its text as it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Source<'a> {
    pub(super) sql: &'a str,
    /// Line of the file it begins at, from 1.
    pub(super) line: usize,
    pub(super) does: Does,
}

/// What a statement does. Names are lower-case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Does {
    Type {
        name: String,
        labels: Vec<String>,
    },
    Table {
        name: String,
        items: Vec<Item>,
    },
    Column {
        table: String,
        column: Column,
    },
    Index(Index),
    Function {
        name: String,
    },
    Trigger {
        name: String,
        table: String,
    },
    View {
        name: String,
    },
    DropIndex {
        name: String,
    },
    /// Something that only a table of this program's is subject to.
    Ours {
        table: String,
    },
    /// Not understood: it runs as it is.
    Other,
}

/// A line of `CREATE TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Column(Column),
    /// A constraint, with the table it refers to.
    Constraint {
        text: String,
        refers_to: Option<String>,
    },
}

impl Item {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Column(Column { name, definition }) => format!("{name} {definition}"),
            Self::Constraint { text, .. } => text.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// Type, nullability and default.
    pub(super) definition: String,
}

impl Column {
    /// Rows that are there already can have it.
    pub(super) fn is_addable(&self) -> bool {
        !self.definition.contains("NOT NULL") || self.definition.contains("DEFAULT")
    }

    /// The database numbers rows with it. Nothing else reads or writes it.
    pub(super) fn is_serial(&self) -> bool {
        self.definition.starts_with("serial") || self.definition.contains("AS IDENTITY")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) table: String,
    pub(super) unique: bool,
    /// What follows the table's name.
    pub(super) rest: String,
}

impl Index {
    /// Columns and expressions of a plain index, as [`bare_key`] has them; `None` for one that is partial or
    /// of another kind than a tree.
    pub(super) fn plain_keys(&self) -> Option<Vec<String>> {
        let inner = self.rest.strip_prefix('(')?.strip_suffix(')')?;
        let mut depth = 0;
        for char in inner.chars() {
            match char {
                '(' => depth += 1,
                ')' if depth == 0 => return None,
                ')' => depth -= 1,
                _ => {}
            }
        }
        Some(text::split_list(inner).into_iter().map(bare_key).collect())
    }
}

/// A column or expression of an index without blanks and casts to text, which servers add.
pub(super) fn bare_key(key: &str) -> String {
    key.replace("::text", "").replace(' ', "")
}

macro_rules! pattern {
    ($name:ident, $pattern:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(concat!("(?is)^", $pattern)).expect("the pattern is a constant")
        });
    };
}
pattern!(TYPE, r"CREATE TYPE (\w+) AS ENUM ?\((.*)\)$");
pattern!(TABLE, r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*)\)$");
pattern!(COLUMN, r"ALTER TABLE (\w+) ADD COLUMN (?:IF NOT EXISTS )?(\w+) (.*)$");
pattern!(INDEX, r"CREATE (UNIQUE )?INDEX (?:IF NOT EXISTS )?(\w+) ON (\w+) (.*)$");
pattern!(FUNCTION, r"CREATE FUNCTION (\w+)\(");
pattern!(TRIGGER, r"CREATE TRIGGER (\w+) .*? ON (\w+)");
pattern!(VIEW, r"CREATE (?:MATERIALIZED )?VIEW (?:IF NOT EXISTS )?(\w+) AS");
pattern!(DROP_INDEX, r"DROP INDEX (?:IF EXISTS )?(\w+)$");
pattern!(OURS, r"(?:ALTER TABLE|INSERT INTO) (\w+) (?:DROP CONSTRAINT|SET|RESET|\()");
pattern!(SEQUENCE, r"ALTER SEQUENCE (\w+)_id_seq OWNED BY");
pattern!(REFERS, r".*\bREFERENCES (\w+)");

/// The statements of a file.
pub(super) fn statements(sql: &str) -> Vec<Source<'_>> {
    let sources = text::statements(sql).into_iter();
    sources.map(|(line, sql)| Source { sql, line, does: Does::of(sql) }).collect()
}

impl Does {
    fn of(sql: &str) -> Self {
        let plain = text::normalized(sql);
        let name = |found: &regex::Captures<'_>, group: usize| found[group].to_lowercase();
        if let Some(found) = TYPE.captures(&plain) {
            let labels = text::split_list(&found[2]);
            let bare = |label: &str| label.trim_matches('\'').replace("''", "'");
            let labels = labels.into_iter().map(bare).collect();
            return Self::Type { name: name(&found, 1), labels };
        }
        if let Some(found) = TABLE.captures(&plain) {
            let items = text::split_list(&found[2]).into_iter().map(item).collect();
            return Self::Table { name: name(&found, 1), items };
        }
        if let Some(found) = COLUMN.captures(&plain) {
            let column = Column { name: name(&found, 2), definition: found[3].to_owned() };
            return Self::Column { table: name(&found, 1), column };
        }
        if let Some(found) = INDEX.captures(&plain) {
            return Self::Index(Index {
                name: name(&found, 2),
                table: name(&found, 3),
                unique: found.get(1).is_some(),
                rest: found[4].to_owned(),
            });
        }
        if let Some(found) = FUNCTION.captures(&plain) {
            return Self::Function { name: name(&found, 1) };
        }
        if let Some(found) = TRIGGER.captures(&plain) {
            return Self::Trigger { name: name(&found, 1), table: name(&found, 2) };
        }
        if let Some(found) = VIEW.captures(&plain) {
            return Self::View { name: name(&found, 1) };
        }
        if let Some(found) = DROP_INDEX.captures(&plain) {
            return Self::DropIndex { name: name(&found, 1) };
        }
        if let Some(found) = OURS.captures(&plain) {
            return Self::Ours { table: name(&found, 1) };
        }
        if let Some(found) = SEQUENCE.captures(&plain) {
            return Self::Ours { table: name(&found, 1) };
        }
        Self::Other
    }
}

fn item(text: &str) -> Item {
    let (name, definition) = text.split_once(' ').unwrap_or((text, ""));
    let keywords = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
    if keywords.iter().any(|keyword| name.eq_ignore_ascii_case(keyword)) {
        let refers_to = REFERS.captures(text).map(|found| found[1].to_lowercase());
        return Item::Constraint { text: text.to_owned(), refers_to };
    }
    Item::Column(Column { name: name.to_lowercase(), definition: definition.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::migrate::MIGRATIONS;

    #[test]
    fn every_statement_of_every_migration_is_understood() {
        for migration in MIGRATIONS {
            for source in statements(migration.up) {
                assert_ne!(source.does, Does::Other, "{}: {}", migration.name, source.sql);
            }
        }
    }

    #[test]
    fn tables_are_read_column_by_column() {
        let sql = "-- why\nCREATE TABLE IF NOT EXISTS t (\n  id serial NOT NULL,\n \
            kind text NOT NULL DEFAULT 'a,b',\n  CONSTRAINT t_pkey PRIMARY KEY (id, kind),\n \
            CONSTRAINT t_fkey FOREIGN KEY (kind)\n REFERENCES blocks (number)\n);";
        let [Source { line: 2, does: Does::Table { name, items }, .. }] = &statements(sql)[..]
        else {
            panic!("not a table");
        };
        assert_eq!(name, "t");
        let [Item::Column(id), Item::Column(kind), key, Item::Constraint { refers_to, .. }] =
            &items[..]
        else {
            panic!("{items:?}");
        };
        assert!(id.is_serial() && !id.is_addable() && kind.is_addable());
        assert_eq!(kind.definition, "text NOT NULL DEFAULT 'a,b'");
        assert_eq!(key.text(), "CONSTRAINT t_pkey PRIMARY KEY (id, kind)");
        assert_eq!(refers_to.as_deref(), Some("blocks"));
    }

    #[test]
    fn only_plain_indexes_have_plain_keys() {
        let keys = |sql: &str| match &statements(sql)[0].does {
            Does::Index(index) => index.plain_keys(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            keys("CREATE INDEX i ON t (lower(a), b DESC)"),
            Some(vec!["lower(a)".to_owned(), "bDESC".to_owned()])
        );
        assert_eq!(keys("CREATE INDEX i ON t (a) WHERE (b)"), None);
        assert_eq!(keys("CREATE INDEX i ON t USING gin (a)"), None);
    }
}
