//! The tables as one server has them: kinds, sizes, columns, and which columns an index leads with.

use std::collections::BTreeMap;

use super::form::Class;
use super::session::{Session, Texts};
use super::sql::array;
use super::{Error, spec};
use crate::db::catalog::Column;

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct CatalogColumn {
    pub(crate) class: Class,
    /// The type as SQL writes it.
    pub(crate) type_name: String,
    /// The database itself numbers the rows with it, or computes it from other columns.
    pub(crate) own: bool,
}

/// A table.
#[derive(Clone, Debug)]
pub(crate) struct CatalogTable {
    /// Estimate of the statistics, or one made from the size where there are none.
    pub(crate) rows: u64,
    /// Pages of the table, or of its largest partition; `None` where rows have no place on disk to
    /// read by (views, foreign tables) or the server cannot read by it.
    pub(crate) pages: Option<u64>,
    pub(crate) columns: BTreeMap<String, CatalogColumn>,
    /// Columns that a usable index starts with, `is_current` skipped.
    pub(crate) indexed: Vec<String>,
    /// A row-level policy may hide rows from the role that asks.
    pub(crate) is_filtered: bool,
    /// Columns that the role may not read.
    pub(crate) unreadable: Vec<String>,
}

/// The tables of one server that are to be compared, as far as they exist.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    /// The version as the server writes it.
    pub(crate) version_text: String,
    /// The moment of the server's clock, and the snapshot, at which the catalog was read.
    pub(crate) moment: String,
    /// What tells this database from others: the same text, the same database.
    pub(crate) identity: String,
    /// The role that reads.
    pub(crate) role: String,
    /// It is production, or a copy of it, since the Go indexer writes it.
    pub(crate) is_production: bool,
    /// Results of both hash functions for a few texts, to be equal on both sides.
    pub(crate) probe: Vec<String>,
    pub(crate) tables: BTreeMap<String, CatalogTable>,
}

/// First version that reads a range of pages without reading the others.
const READS_PAGE_RANGES: u32 = 140_000;

/// Bytes of a row where there are no statistics to tell.
const ROW_BYTES: u64 = 150;

/// Bytes of a page, unless PostgreSQL was built otherwise; only estimates depend on it.
const PAGE_BYTES: u64 = 8192;

impl Catalog {
    /// Reads what the server has of the tables of [`spec::tables`].
    pub(crate) async fn read(session: &mut Session) -> Result<Self, Error> {
        let names = array(spec::tables().iter().map(|table| table.name));
        let doing = "reading the catalog";
        let server = session.texts(doing, SERVER).await?;
        let [number, version_text, moment, identity, role] =
            fields(server.into_iter().next().unwrap_or_default()).map(Option::unwrap_or_default);
        let number = number.parse().unwrap_or(0);
        let probe = session.texts(doing, PROBE).await?;
        let found = session.texts(doing, &TABLES.replace("$names", &names)).await?;
        let mut tables: BTreeMap<String, CatalogTable> = BTreeMap::new();
        for row in found {
            let [
                Some(name),
                Some(kind),
                Some(rows),
                Some(pages),
                Some(total),
                filtered,
                unreadable,
            ] = fields(row)
            else {
                continue;
            };
            let found = CatalogTable {
                is_filtered: filtered.as_deref() == Some("true"),
                unreadable: unreadable
                    .iter()
                    .flat_map(|all| all.split(','))
                    .map(str::to_owned)
                    .collect(),
                ..table(&kind, &rows, &pages, &total, number)
            };
            tables.insert(name, found);
        }
        let all = session.catalog().await?;
        let is_production = all.relation("track_delist_statuses").is_some()
            && all
                .relation("blocks")
                .is_some_and(|found| !found.columns.contains_key("is_current"));
        for (name, table) in &mut tables {
            let columns = all.relation(name).into_iter().flat_map(|found| &found.columns);
            table.columns = columns.map(|(name, found)| (name.clone(), column(found))).collect();
        }
        for row in session.texts(doing, &INDEXES.replace("$names", &names)).await? {
            let [Some(table), Some(column)] = fields(row) else { continue };
            if let Some(table) = tables.get_mut(&table) {
                table.indexed.push(column);
            }
        }
        let probe = probe.into_iter().flatten().flatten().collect();
        Ok(Self { version_text, moment, identity, role, is_production, probe, tables })
    }
}

fn table(kind: &str, rows: &str, pages: &str, total: &str, version: u32) -> CatalogTable {
    let pages: u64 = pages.parse().unwrap_or(0);
    let total: u64 = total.parse().unwrap_or(0);
    let by_page = version >= READS_PAGE_RANGES && matches!(kind, "r" | "p" | "m");
    let known = rows.parse::<u64>().ok().filter(|rows| *rows > 0);
    CatalogTable {
        rows: known.unwrap_or(total * PAGE_BYTES / ROW_BYTES),
        pages: by_page.then_some(pages),
        columns: BTreeMap::new(),
        indexed: Vec::new(),
        is_filtered: false,
        unreadable: Vec::new(),
    }
}

fn column(found: &Column) -> CatalogColumn {
    let element = found.element.as_ref().map(|(name, is_enum)| Class::of(name, *is_enum, None));
    let class = Class::of(&found.base_type, found.labels.is_some(), element);
    CatalogColumn { class, type_name: found.type_name.clone(), own: found.is_own }
}

/// The first columns of a row.
fn fields<const N: usize>(row: Texts) -> [Option<String>; N] {
    let mut row = row.into_iter();
    std::array::from_fn(|_| row.next().flatten())
}

/// Both sides must hash alike, or a cryptographic hash is used instead.
const PROBE: &str = "SELECT hashtextextended(probe COLLATE \"C\", 8421)::text \
     FROM unnest(ARRAY['', 'a', 'probe', repeat('0123456789äö', 100)]) AS probe";

/// A replica has the log position of what it has replayed. Two databases of one server that was
/// started once are told apart by their number.
const SERVER: &str = "\
    SELECT current_setting('server_version_num'), version(), \
        to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC, snapshot ' \
            || txid_current_snapshot()::text \
            || CASE WHEN pg_is_in_recovery() THEN ', a replica' ELSE '' END, \
        concat_ws(' ', pg_postmaster_start_time(), inet_server_port(), \
            (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()), \
            current_schemas(false)::text), \
        current_user::text";

/// Sizes of partitions count for their parent; a page range is applied to each of them. Reading by
/// page needs the right to the whole table.
const TABLES: &str = "\
    SELECT n.name, CASE WHEN has_table_privilege(c.oid, 'SELECT') THEN c.relkind::text ELSE '' END, \
        p.rows::bigint::text, p.largest::text, p.pages::bigint::text, \
        row_security_active(c.oid)::text, \
        (SELECT string_agg(a.attname::text, ',' ORDER BY a.attnum) FROM pg_attribute a \
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
            AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')) \
    FROM unnest($names::text[]) AS n(name) \
    JOIN pg_class c ON c.oid = to_regclass(quote_ident(n.name)) \
    CROSS JOIN LATERAL ( \
        SELECT coalesce(sum(greatest(k.reltuples, 0)), 0) AS rows, \
            coalesce(max(pg_relation_size(k.oid)), 0) / current_setting('block_size')::bigint AS largest, \
            coalesce(sum(pg_relation_size(k.oid)), 0) / current_setting('block_size')::bigint AS pages \
        FROM pg_class k \
        WHERE k.relkind <> 'p' AND (k.oid = c.oid OR k.oid IN \
            (SELECT relid FROM pg_partition_tree(c.oid) WHERE c.relkind = 'p'))) p";

/// Types whose constants need no cast. `is_current` in front is no obstacle: it has one value.
const INDEXES: &str = "\
    SELECT DISTINCT n.name, a.attname::text \
    FROM unnest($names::text[]) AS n(name) \
    JOIN pg_index i ON i.indrelid = to_regclass(quote_ident(n.name)) AND i.indisvalid \
        AND i.indpred IS NULL \
    JOIN pg_class c ON c.oid = i.indexrelid \
    JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree' \
    LEFT JOIN pg_attribute f ON f.attrelid = i.indrelid AND f.attnum = i.indkey[0] \
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = \
        CASE WHEN f.attname = 'is_current' AND i.indnkeyatts > 1 THEN i.indkey[1] \
             ELSE i.indkey[0] END \
    JOIN pg_type t ON t.oid = a.atttypid \
        AND t.typname IN ('int2', 'int4', 'int8', 'text', 'varchar', 'timestamp', 'date')";
