//! The part of the catalog that handlers go by.

use super::{Catalog, Column, Table};
use crate::{
    db::codec::Wire,
    model::{
        Shape,
        shape::{ColumnShape, Holds, TableShape, UniqueKey},
        table::{TableDef, Versions},
        tables::TableId,
        value::ColumnType,
    },
};

/// Identities of the Go indexer's rows that a database may leave to the program: our own schema has
/// room for rows of the Python era, which had several (`schema.md` 4.2).
const IDENTITIES: &[(TableId, &str, &[&str], bool)] = &[
    (TableId::Follows, "follows_current_uniq_idx", &["follower_user_id", "followee_user_id"], true),
    (
        TableId::Subscriptions,
        "subscriptions_current_uniq_idx",
        &["subscriber_id", "user_id", "entity_type"],
        true,
    ),
    (TableId::DashboardWalletUsers, "dashboard_wallet_users_pkey", &["wallet"], false),
];

/// The trigger by which production keeps linked wallets of Ethereum in lower case.
const LOWERING: &str = "before_associated_wallets_canonicalize";

/// The shape of the store's tables. A table that is not there has the shape of its definition.
pub(super) fn of(catalog: &Catalog) -> Shape {
    let mut shape = Shape::default();
    shape.lowers_eth_wallets = catalog.has_trigger("associated_wallets", LOWERING);
    for id in TableId::ALL {
        if let Some(table) = catalog.table(id.def().name) {
            *shape.table_mut(*id) = table_shape(id.def(), table);
        }
    }
    for (id, name, columns, current_only) in IDENTITIES {
        let Some(columns) = positions(id.def(), columns.iter().copied()) else { continue };
        let key = UniqueKey { name: (*name).to_owned(), columns, current_only: *current_only };
        let unique = &mut shape.table_mut(*id).unique;
        if !unique.iter().any(|known| known.columns == key.columns) {
            unique.push(key);
        }
    }
    shape
}

fn table_shape(def: &TableDef, table: &Table) -> TableShape {
    let columns = def.columns.iter().map(|column| match table.columns.get(column.name) {
        Some(found) => column_shape(column.ty, found),
        None => ColumnShape { is_present: false, is_required: false, holds: Holds::of(column.ty) },
    });
    let unique = table.unique.iter().filter_map(|index| {
        let columns = positions(def, index.columns.iter().map(String::as_str))?;
        let key = UniqueKey { name: index.name.clone(), columns, current_only: index.current_only };
        (!is_natural(def, &key)).then_some(key)
    });
    TableShape { columns: columns.collect(), unique: unique.collect() }
}

fn positions<'a>(def: &TableDef, names: impl IntoIterator<Item = &'a str>) -> Option<Vec<usize>> {
    names.into_iter().map(|name| def.column(name)).collect()
}

/// Whether the key never stands in the way of a row: the store holds one row per natural key.
fn is_natural(def: &TableDef, key: &UniqueKey) -> bool {
    if key.current_only && def.versions == Versions::Past {
        return true;
    }
    let among_the_same = key.current_only || def.versions == Versions::All;
    among_the_same && def.key.iter().all(|column| key.columns.contains(column))
}

fn column_shape(ty: ColumnType, found: &Column) -> ColumnShape {
    ColumnShape {
        is_present: true,
        is_required: found.not_null && !found.is_filled,
        holds: holds(ty, found),
    }
}

/// What the column holds by its own type; by our type where that says no more.
fn holds(ty: ColumnType, found: &Column) -> Holds {
    if let Some(labels) = &found.labels {
        return Holds::Labels(labels.to_vec());
    }
    match Wire::of(found.type_oid, false) {
        Some(Wire::Int2) => Holds::Int2,
        Some(Wire::Int4 | Wire::Int4Array) => Holds::Int4,
        Some(Wire::Int8 | Wire::Int8Array) => Holds::Int8,
        Some(Wire::Text | Wire::TextArray(_)) => found.most_chars.map_or(Holds::Text, Holds::Chars),
        Some(Wire::Json | Wire::Jsonb) => Holds::Json,
        Some(Wire::Timestamp | Wire::Date) => Holds::Time,
        Some(Wire::Bool | Wire::Float4 | Wire::Float8 | Wire::Bytes) => Holds::Anything,
        None => Holds::of(ty),
    }
}
