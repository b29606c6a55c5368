//! Declarative table definitions: the `record!` macro and what derives from it.
//!
//! A definition names the table, its columns with their types and defaults, its natural key and the
//! lookups handlers need. Encoding, decoding, loading, archiving and comparing rows all read it.

use std::{any::Any, borrow::Cow, fmt, sync::Arc};

use super::{
    Json, Timestamp,
    key::{Key, KeyPart},
    tables::TableId,
    value::{ColumnType, FieldMismatch, NULL_ELEMENT, Value, ValueRef},
};

/// A row of any table, shared and immutable.
pub type Row = Arc<dyn AnyRow>;

/// What every row can do, whatever its table.
pub trait AnyRow: Any + Send + Sync + fmt::Debug {
    /// The table the row belongs to.
    fn table(&self) -> TableId;

    /// The value of the column at `column` in [`TableDef::columns`].
    fn value(&self, column: usize) -> ValueRef<'_>;

    /// Approximate size in bytes, for the memory budget.
    fn size(&self) -> usize;

    /// The row with its column defaults filled in, or `None` if it lacks none.
    fn with_defaults(&self) -> Option<Row>;
}

/// A typed row.
pub trait Record: AnyRow + Clone {
    /// Its table.
    const TABLE: TableId;
    /// The lookups of its table.
    type By: Copy + Into<usize>;

    /// Sets the column at `column` in [`TableDef::columns`].
    ///
    /// # Errors
    /// When the value's type is not the column's.
    fn set(&mut self, column: usize, value: Value) -> Result<(), FieldMismatch>;

    /// The row's natural key.
    fn key(&self) -> Key
    where
        Self: Sized,
    {
        Self::TABLE.def().key_of(self)
    }
}

/// The typed form of a shared row; `None` when it belongs to another table.
pub fn downcast<R: Record>(row: &Row) -> Option<Arc<R>> {
    let any: Arc<dyn Any + Send + Sync> = Arc::clone(row) as _;
    any.downcast::<R>().ok()
}

/// What the database puts into a column that a row leaves NULL (or, for [`Self::SqlNull`], that a
/// row gives a JSON `null`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ColumnDefault {
    /// Nothing: NULL stays NULL.
    None,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An empty text.
    EmptyText,
    /// `[]` of a `jsonb` column.
    EmptyList,
    /// `{}` of a `jsonb` column.
    EmptyObject,
    /// An empty array.
    EmptyArray,
    /// An enum label.
    Label(&'static str),
    /// SQL NULL in place of a JSON `null`: the column never stores the latter, but a pending row may
    /// carry it for a while.
    SqlNull,
}

impl ColumnDefault {
    /// Whether a column's value gives way to the default when the row is stored.
    pub fn replaces(self, value: ValueRef<'_>) -> bool {
        match self {
            Self::None => false,
            Self::SqlNull => matches!(value, ValueRef::Json(Json::Null)),
            _ => matches!(value, ValueRef::Null),
        }
    }

    /// The default as a value of a column of type `ty`; `None` where there is none.
    pub fn value(self, ty: ColumnType) -> Option<Value> {
        Some(match self {
            Self::None => return None,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::EmptyText => Value::Text(String::new()),
            Self::EmptyList => Value::Json(Arc::new(Json::List(Vec::new()))),
            Self::EmptyObject => {
                Value::Json(Arc::new(Json::Object(super::json::Object::default())))
            }
            Self::EmptyArray if ty == ColumnType::Int4Array => Value::Ints(Vec::new()),
            Self::EmptyArray => Value::Texts(Vec::new()),
            Self::Label(label) => Value::Text(label.to_owned()),
            Self::SqlNull => Value::Null,
        })
    }
}

impl ColumnDefault {
    /// The default as JSON has it; `None` where there is none.
    pub fn json(self, ty: ColumnType) -> Option<Json> {
        Some(match self.value(ty)? {
            Value::Bool(value) => Json::Bool(value),
            Value::Int(value) => Json::Int(value),
            Value::Text(value) => Json::Str(value),
            Value::Json(value) => value.as_ref().clone(),
            Value::Ints(_) | Value::Texts(_) => Json::List(Vec::new()),
            _ => return None,
        })
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name in PostgreSQL.
    pub name: &'static str,
    /// Type in PostgreSQL.
    pub ty: ColumnType,
    /// What replaces NULL when the row is stored.
    pub default: ColumnDefault,
}

/// The column of a field: the field's name without a raw-identifier prefix.
pub(super) const fn column_name(field: &'static str) -> &'static str {
    let bytes = field.as_bytes();
    if bytes.len() > 2 && bytes[0] == b'r' && bytes[1] == b'#' {
        field.split_at(2).1
    } else {
        field
    }
}

/// One component of a lookup.
#[derive(Clone, Copy, Debug)]
pub enum LookupPart {
    /// The value of a column.
    Column(&'static str),
    /// The lower-cased value of a text column.
    Lower(&'static str),
    /// A value computed from the row.
    Derived {
        /// The same computation in SQL, over the table aliased `t`.
        sql: &'static str,
        /// Type of the SQL expression.
        ty: ColumnType,
        /// The computation.
        get: fn(&dyn AnyRow) -> Option<KeyPart>,
    },
}

/// A secondary index that handlers read by.
#[derive(Debug)]
pub struct LookupDef {
    /// Its name, for messages.
    pub name: &'static str,
    /// Its components.
    pub parts: Vec<(LookupPart, usize)>,
    /// The column, an integer or a time, by which rows with the same value are ranked: the last of
    /// them is found without a look at the others.
    pub rank: Option<usize>,
}

impl LookupDef {
    /// The lookup's value for a row; `None` (not indexed) when a component is NULL.
    pub fn key_of(&self, row: &dyn AnyRow) -> Option<Key> {
        let component = |(part, column): &(LookupPart, usize)| match part {
            LookupPart::Column(_) => row.value(*column).key_part(),
            LookupPart::Lower(_) => match row.value(*column) {
                ValueRef::Text(text) => Some(KeyPart::Text(text.to_lowercase().into())),
                _ => None,
            },
            LookupPart::Derived { get, .. } => get(row),
        };
        Key::of_all(self.parts.iter().map(component))
    }

    /// The rank of a row among those with its value: 0 where the lookup has none, NULL before all.
    pub fn rank_of(&self, row: &dyn AnyRow) -> i64 {
        let Some(column) = self.rank else { return 0 };
        match row.value(column) {
            ValueRef::Int(value) => value,
            ValueRef::Time(time) => time.since_2000(),
            _ => i64::MIN,
        }
    }
}

/// Which rows of a table a definition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// All of them.
    All,
    /// Those with `is_current`.
    Current,
    /// Those without: what was retired. Such rows are added and never changed.
    Past,
}

impl Versions {
    /// The condition on the table aliased `t`, in SQL.
    pub const fn condition(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::Current => Some("t.is_current"),
            Self::Past => Some("NOT t.is_current"),
        }
    }
}

/// See [`TableDef::by_key_part`].
fn by_key_part(lookups: &[LookupDef], key: &[usize]) -> Vec<(usize, Vec<usize>)> {
    let in_key = |(part, column): &(LookupPart, usize)| match part {
        LookupPart::Column(_) => key.iter().position(|of_key| of_key == column),
        LookupPart::Lower(_) | LookupPart::Derived { .. } => None,
    };
    let places = lookups.iter().map(|lookup| lookup.parts.iter().map(in_key).collect());
    places
        .enumerate()
        .filter_map(|(lookup, places): (_, Option<_>)| Some((lookup, places?)))
        .collect()
}

/// Everything the machinery knows about a table.
#[derive(Debug)]
pub struct TableDef {
    /// The table.
    pub id: TableId,
    /// Name in PostgreSQL.
    pub name: &'static str,
    /// Columns that are loaded and written. Columns left to the database (serial ids) are absent.
    pub columns: &'static [Column],
    /// Natural key, as indices into `columns`.
    pub key: Vec<usize>,
    /// Which of the table's rows the definition is about; the others are left alone.
    pub versions: Versions,
    /// The table's first definition: others are about the same rows in another way, or about other
    /// rows of it.
    pub is_first: bool,
    /// Replaced rows go into the block's `revert_blocks` record.
    pub archived: bool,
    /// Lookups, in the order of [`Record::By`].
    pub lookups: Vec<LookupDef>,
    /// Lookups by a part of the natural key, each with the positions of its columns in the key:
    /// whoever knows all rows of such a value knows which keys with it have none.
    pub by_key_part: Vec<(usize, Vec<usize>)>,
    /// Builds a row from loaded values in column order.
    pub decode: fn(Vec<Value>) -> Result<Row, FieldMismatch>,
}

impl TableDef {
    /// Resolves the names of all definitions; called once.
    pub(super) fn resolve_all(sources: &[&Source]) -> Vec<Self> {
        let mut defs: Vec<Self> = Vec::with_capacity(sources.len());
        for source in sources {
            let is_first = defs.iter().all(|def| def.name != source.name);
            defs.push(Self::resolve(source, is_first));
        }
        defs
    }

    fn resolve(source: &Source, is_first: bool) -> Self {
        let position = |name: &str| {
            source
                .columns
                .iter()
                .position(|column| column.name == name)
                .expect("definitions name existing columns; checked by the table tests")
        };
        let lookups: Vec<LookupDef> = source
            .lookups
            .iter()
            .map(|(name, parts, rank)| LookupDef {
                name,
                rank: rank.map(position),
                parts: parts
                    .iter()
                    .map(|part| match part {
                        LookupPart::Column(column) | LookupPart::Lower(column) => {
                            (*part, position(column))
                        }
                        LookupPart::Derived { .. } => (*part, usize::MAX),
                    })
                    .collect(),
            })
            .collect();
        let key: Vec<usize> = source.key.iter().map(|name| position(name)).collect();
        Self {
            id: source.id,
            name: source.name,
            columns: source.columns,
            by_key_part: by_key_part(&lookups, &key),
            key,
            versions: source.versions,
            is_first,
            archived: source.archived,
            lookups,
            decode: source.decode,
        }
    }

    /// The name under which before-images of its rows are kept: that of the table, and for further
    /// definitions of the table theirs, too.
    pub fn image_name(&self) -> Cow<'static, str> {
        if self.is_first { self.name.into() } else { format!("{} {:?}", self.name, self.id).into() }
    }

    /// The natural key of a row of this table.
    pub fn key_of(&self, row: &dyn AnyRow) -> Key {
        Key::from_parts(self.key.iter().map(|column| {
            row.value(*column).key_part().unwrap_or_else(|| KeyPart::Text(Box::default()))
        }))
    }

    /// The index of the column called `name`.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Why PostgreSQL would refuse the row: column and rule. `None` when it would not. What `before`
    /// has already, the database takes.
    pub fn refusal(&self, row: &dyn AnyRow, before: Option<&dyn AnyRow>) -> Option<Refusal> {
        self.columns.iter().enumerate().find_map(|(index, column)| {
            if before.is_some_and(|before| before.value(index).is_same(row.value(index))) {
                return None;
            }
            let rule = match (column.ty, row.value(index)) {
                (ColumnType::Int4, ValueRef::Int(value)) if i32::try_from(value).is_err() => {
                    "integer out of range"
                }
                (ColumnType::Int4Array, ValueRef::Ints(values))
                    if values
                        .iter()
                        .any(|value| *value != NULL_ELEMENT && i32::try_from(*value).is_err()) =>
                {
                    "integer out of range"
                }
                (ColumnType::Enum(_, labels), ValueRef::Text(label))
                    if !labels.contains(&label) =>
                {
                    "unknown enum label"
                }
                (ColumnType::Jsonb, ValueRef::Json(json)) if json.json_storable().is_err() => {
                    "value that jsonb cannot hold"
                }
                (ColumnType::Timestamp | ColumnType::TimestampTz, ValueRef::Time(time))
                    if !(MIN_TIME..MAX_TIME).contains(&time) =>
                {
                    "timestamp out of range"
                }
                _ => return None,
            };
            Some(Refusal { table: self.name, column: column.name, rule })
        })
    }
}

/// First time a `timestamp` column holds that the reference can produce: 0001-01-01.
const MIN_TIME: Timestamp = Timestamp::from_seconds(-62_135_596_800);
/// First time past what the reference can produce: 10000-01-01.
const MAX_TIME: Timestamp = Timestamp::from_seconds(253_402_300_800);

/// A row that PostgreSQL would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Table name.
    pub table: &'static str,
    /// Column name.
    pub column: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}: {}", self.table, self.column, self.rule)
    }
}

/// A definition as written, names not yet resolved.
pub(super) struct Source {
    pub(super) id: TableId,
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
    pub(super) key: &'static [&'static str],
    pub(super) versions: Versions,
    pub(super) archived: bool,
    pub(super) lookups: &'static [SourceLookup],
    pub(super) decode: fn(Vec<Value>) -> Result<Row, FieldMismatch>,
}

/// A lookup as written: name, components, column that ranks.
pub(super) type SourceLookup = (&'static str, &'static [LookupPart], Option<&'static str>);

/// Defines a row struct and its table.
///
/// `Name in "table", id Id, key [a, b], current_only true, archived true,`
/// `by NameBy { Variant [parts] (ranked column)? }` and then one line per column:
/// `field: RustType => PgType(, default Default)?`. In place of `current_only`, `past_only true` is
/// about the rows that are not current.
macro_rules! record {
    (
        $(#[$doc:meta])*
        $name:ident in $table:literal, id $id:ident, key [$($key:ident),+],
        $versions:ident $chosen:tt, archived $archived:literal,
        by $by:ident {
            $($(#[$lookup_doc:meta])* $lookup:ident [$($part:expr),+] $(ranked $rank:ident)?),* $(,)?
        }
        { $($field:ident: $rust:ty => $ty:expr $(, default $default:expr)?;)+ }
    ) => {
        $(#[$doc])*
        ///
        /// The default is a row of NULLs, zeros and empty texts.
        #[derive(Clone, Debug, Default)]
        pub struct $name { $(pub $field: $rust,)+ }

        /// Lookups of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $by { $($(#[$lookup_doc])* $lookup,)* }

        impl From<$by> for usize {
            fn from(by: $by) -> Self {
                by as Self
            }
        }

        impl $name {
            const COLUMNS: &'static [$crate::model::table::Column] = &[$(
                $crate::model::table::Column {
                    name: $crate::model::table::column_name(stringify!($field)),
                    ty: $ty,
                    default: record!(@default $($default)?),
                },
            )+];

            pub(in crate::model) const SOURCE: $crate::model::table::Source =
                $crate::model::table::Source {
                    id: $crate::model::tables::TableId::$id,
                    name: $table,
                    columns: Self::COLUMNS,
                    key: &[$(stringify!($key)),+],
                    versions: record!(@versions $versions $chosen),
                    archived: $archived,
                    lookups: &[$(
                        (stringify!($lookup), &[$($part),+], record!(@rank $($rank)?)),
                    )*],
                    decode: |values| {
                        let mut values = values.into_iter();
                        let row = Self {$(
                            $field: $crate::model::value::Field::from_value(
                                values.next().unwrap_or($crate::model::value::Value::Null),
                            )?,
                        )+};
                        Ok(std::sync::Arc::new(row))
                    },
                };
        }

        impl $crate::model::table::AnyRow for $name {
            fn table(&self) -> $crate::model::tables::TableId {
                $crate::model::tables::TableId::$id
            }

            fn value(&self, column: usize) -> $crate::model::value::ValueRef<'_> {
                let mut index = 0;
                $(
                    if column == index {
                        return $crate::model::value::Field::value(&self.$field);
                    }
                    index += 1;
                )+
                let _ = index;
                $crate::model::value::ValueRef::Null
            }

            fn size(&self) -> usize {
                size_of::<Self>() $(+ $crate::model::value::Field::heap_size(&self.$field))+
            }

            fn with_defaults(&self) -> Option<$crate::model::table::Row> {
                let lacking = Self::COLUMNS
                    .iter()
                    .enumerate()
                    .any(|(index, column)| column.default.replaces(self.value(index)));
                lacking.then(|| {
                    let mut row = self.clone();
                    for (index, column) in Self::COLUMNS.iter().enumerate() {
                        let lacks = column.default.replaces(row.value(index));
                        if let Some(default) = column.default.value(column.ty).filter(|_| lacks) {
                            $crate::model::table::Record::set(&mut row, index, default)
                                .expect("a column's default has the column's type");
                        }
                    }
                    let row: $crate::model::table::Row = std::sync::Arc::new(row);
                    row
                })
            }
        }

        impl $crate::model::table::Record for $name {
            const TABLE: $crate::model::tables::TableId = $crate::model::tables::TableId::$id;
            type By = $by;

            fn set(
                &mut self,
                column: usize,
                value: $crate::model::value::Value,
            ) -> Result<(), $crate::model::value::FieldMismatch> {
                let mut index = 0;
                $(
                    if column == index {
                        self.$field = $crate::model::value::Field::from_value(value)?;
                        return Ok(());
                    }
                    index += 1;
                )+
                let _ = index;
                Ok(())
            }
        }
    };
    (@versions current_only false) => { $crate::model::table::Versions::All };
    (@versions current_only true) => { $crate::model::table::Versions::Current };
    (@versions past_only true) => { $crate::model::table::Versions::Past };
    (@rank) => { None };
    (@rank $rank:ident) => { Some(stringify!($rank)) };
    (@default) => { $crate::model::table::ColumnDefault::None };
    (@default $default:expr) => { $default };
}
pub(crate) use record;
