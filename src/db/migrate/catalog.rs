//! What is in a schema, by name: compared before and after a migration it tells what the migration
//! created, and from that list an adopted migration is taken back.

use std::collections::BTreeSet;

use sqlx::postgres::PgConnection;

use super::text;
use crate::db::Error;

/// Every object of the current schema as `kind name`; triggers and columns with `ON table`. Objects
/// that come and go with another (sequences of a column, indexes of a constraint) are left out.
const OBJECTS: &str = "
    SELECT CASE relkind
            WHEN 'm' THEN 'materialized view ' WHEN 'v' THEN 'view '
            WHEN 'i' THEN 'index ' WHEN 'S' THEN 'sequence ' ELSE 'table '
        END || relname
    FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace
        AND relkind IN ('r', 'p', 'm', 'v', 'i', 'S')
        AND NOT EXISTS (
            SELECT FROM pg_depend
            WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
                AND (deptype = 'i' OR (relkind = 'S' AND deptype = 'a'))
        )
    UNION ALL
    SELECT 'type ' || typname FROM pg_type
    WHERE typnamespace = current_schema()::regnamespace AND typtype IN ('e', 'd')
    UNION ALL
    SELECT 'function ' || proname || '(' || pg_get_function_identity_arguments(oid) || ')'
    FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND prokind = 'f'
    UNION ALL
    SELECT 'trigger ' || tgname || ' ON ' || relname
    FROM pg_trigger
    JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal
    UNION ALL
    SELECT 'column ' || attname || ' ON ' || relname
    FROM pg_attribute
    JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
        AND attnum > 0 AND NOT attisdropped";

/// Kinds in the order in which they can be dropped.
const DROP_ORDER: &[&str] = &[
    "trigger",
    "materialized view",
    "view",
    "index",
    "column",
    "table",
    "sequence",
    "function",
    "type",
];

/// Names the objects of the current schema.
pub(super) async fn objects(connection: &mut PgConnection) -> Result<BTreeSet<String>, Error> {
    let names: Vec<String> = sqlx::query_scalar(OBJECTS)
        .fetch_all(connection)
        .await
        .map_err(Error::query("listing the objects of the schema"))?;
    Ok(names.into_iter().collect())
}

/// What is in `after` and not in `before`, without what belongs to a new table. Only what `sql` names:
/// others may be at work at the same time.
pub(super) fn created(
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
    sql: &str,
) -> Vec<String> {
    let is_new = |object: &String| !before.contains(object);
    let of_new_table = |object: &str| {
        object.split_once(" ON ").is_some_and(|(_, table)| is_new(&format!("table {table}")))
    };
    let is_named = |object: &str| {
        bare(object).split_once(' ').is_some_and(|(kind, name)| {
            let name =
                name.strip_prefix("view ").filter(|_| kind == "materialized").unwrap_or(name);
            text::mentions(sql, name)
        })
    };
    let is_ours = |object: &&String| is_new(object) && !of_new_table(object) && is_named(object);
    after.iter().filter(is_ours).cloned().collect()
}

/// `object` without the arguments of a function or the table of a trigger.
fn bare(object: &str) -> &str {
    let end = object.find('(').or_else(|| object.find(" ON ")).unwrap_or(object.len());
    &object[..end]
}

/// The statements that drop `objects`. Tables go in one statement, because they refer to each
/// other; nothing is dropped by cascade, so what others built on top stops the whole.
pub(super) fn drop_statements(objects: &[String]) -> String {
    let mut sql = String::new();
    for kind in DROP_ORDER {
        let names: Vec<String> = objects
            .iter()
            .filter_map(|object| object.strip_prefix(kind)?.strip_prefix(' '))
            .map(quoted)
            .collect();
        let keyword = kind.to_uppercase();
        if *kind == "table" && !names.is_empty() {
            sql += &format!("DROP TABLE IF EXISTS {};\n", names.join(", "));
            continue;
        }
        for name in names {
            sql += &match name.split_once(" ON ") {
                Some((column, table)) if *kind == "column" => {
                    format!("ALTER TABLE {table} DROP COLUMN IF EXISTS {column};\n")
                }
                _ => format!("DROP {keyword} IF EXISTS {name};\n"),
            };
        }
    }
    sql
}

/// The name with quotes where it needs them; what follows it (arguments, `ON table`) as it is.
fn quoted(name: &str) -> String {
    let end = bare(name).len();
    let (name, rest) = name.split_at(end);
    match rest.strip_prefix(" ON ") {
        Some(table) => format!("{} ON {}", identifier(name), identifier(table)),
        None => format!("{}{rest}", identifier(name)),
    }
}

fn identifier(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_come_in_an_order_that_works() {
        let objects = [
            "column c ON x",
            "function f(codes text[])",
            "index i",
            "materialized view v",
            "table a",
            "table B",
            "trigger t ON a",
            "type e",
        ]
        .map(String::from);
        assert_eq!(
            drop_statements(&objects),
            "DROP TRIGGER IF EXISTS t ON a;\nDROP MATERIALIZED VIEW IF EXISTS v;\n\
             DROP INDEX IF EXISTS i;\nALTER TABLE x DROP COLUMN IF EXISTS c;\nDROP TABLE IF EXISTS a, \"B\";\n\
             DROP FUNCTION IF EXISTS f(codes text[]);\nDROP TYPE IF EXISTS e;\n"
        );
    }

    #[test]
    fn what_comes_with_a_new_table_is_not_listed_beside_it() {
        let before = ["table old", "column a ON old"].map(String::from).into();
        let after = [
            "table old",
            "table new",
            "column a ON old",
            "column b ON old",
            "column c ON new",
            "trigger t ON new",
        ];
        assert_eq!(
            created(&before, &after.map(String::from).into(), "a, b, c, new, t"),
            ["column b ON old", "table new"]
        );
    }
}
