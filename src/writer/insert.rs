//! Sends the rows of one table: many with `COPY`, a few as the parameters of one `INSERT`.
//!
//! A `COPY` is two exchanges with the server, and over TCP its end waits for the acknowledgement of
//! its data, which the server delays by 40 ms because the driver leaves Nagle's algorithm on. Most
//! tables of a run have a few rows, so for those a single exchange is many times faster.

use std::sync::Arc;

use sqlx::{
    AssertSqlSafe, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgConnection, PgTypeInfo, types::Oid},
};

use super::{prepare::Section, rows::HEADER};
use crate::db::layout::TableLayout;

/// Values that go as parameters at most; the protocol allows 65,535, and planning them costs more
/// than a copy from some thousands on.
const MOST_PARAMETERS: usize = 2_000;

/// Bytes of one copy message. Larger ones only make both sides hold them twice.
const COPY_CHUNK: usize = 256 << 10;

/// A table with its columns.
#[derive(Debug)]
pub(super) struct Target {
    /// As `COPY` and `INSERT` name it.
    name: String,
    /// What makes the text of a parameter a value of the column: empty where it has its type.
    casts: Vec<String>,
}

impl Target {
    /// A temporary table, with all columns that it has; too wide for parameters.
    pub(super) fn all(name: &str) -> Self {
        Self { name: name.to_owned(), casts: Vec::new() }
    }

    /// The table with its columns.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The statement that inserts `rows` rows.
    pub(super) fn statement(&self, rows: usize) -> String {
        statement(self, rows)
    }

    /// The table `name` with the columns of `layout`.
    pub(super) fn of(name: &str, layout: &TableLayout) -> Self {
        let names: Vec<_> = layout.present().map(|column| format!("\"{}\"", column.name)).collect();
        // The driver looks up types that it does not know, and loses the statement meanwhile.
        let cast = |kind: &String| format!("::text::{kind}");
        let casts = layout.present().map(|column| column.enum_type.as_ref().map(cast));
        Self {
            name: format!("{name} ({})", names.join(", ")),
            casts: casts.map(Option::unwrap_or_default).collect(),
        }
    }
}

/// Inserts the rows of `section`, which has some, into `target`.
pub(super) async fn rows(
    connection: &mut PgConnection,
    target: &Target,
    section: &Section,
) -> Result<(), sqlx::Error> {
    let rows = usize::try_from(section.rows).unwrap_or(usize::MAX);
    if target.casts.is_empty() || rows.saturating_mul(target.casts.len()) > MOST_PARAMETERS {
        return copy(connection, &target.name, section.data.bytes()).await;
    }
    let sql = statement(target, rows);
    // Where the statement depends on the number of rows, keeping it prepared would help nobody.
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(rows == 1);
    for field in Fields::of(section.data.bytes()) {
        query = query.bind(field);
    }
    query.execute(connection).await.map(drop)
}

/// Runs `sql` for every row of `section`, with its `fields` as parameters.
pub(super) async fn each(
    connection: &mut PgConnection,
    (sql, fields): (&Arc<str>, usize),
    section: &Section,
) -> Result<(), sqlx::Error> {
    let mut all = Fields::of(section.data.bytes());
    for _ in 0..section.rows {
        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
        for field in Iterator::take(all.by_ref(), fields) {
            query = query.bind(field);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn copy(connection: &mut PgConnection, target: &str, data: &[u8]) -> Result<(), sqlx::Error> {
    let sql = format!("COPY {target} FROM STDIN (FORMAT BINARY)");
    let mut copy = connection.copy_in_raw(&sql).await?;
    for chunk in data.chunks(COPY_CHUNK) {
        copy.send(chunk).await?;
    }
    copy.finish().await.map(drop)
}

fn statement(Target { name, casts }: &Target, rows: usize) -> String {
    let row = |row: usize| {
        let first = row * casts.len() + 1;
        let values =
            casts.iter().enumerate().map(|(column, cast)| format!("${}{cast}", first + column));
        format!("({})", values.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("INSERT INTO {name} VALUES {}", rows.join(", "))
}

/// The fields of a binary copy, row by row. Their bytes are those of a binary parameter.
struct Fields<'a> {
    rest: &'a [u8],
    /// Fields left in the row at hand.
    in_row: usize,
}

impl<'a> Fields<'a> {
    fn of(data: &'a [u8]) -> Self {
        Self { rest: data.get(HEADER.len()..).unwrap_or_default(), in_row: 0 }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        while self.in_row == 0 {
            // The end of a copy is a negative number of fields.
            self.in_row = usize::try_from(i16::from_be_bytes(self.take()?)).ok()?;
        }
        self.in_row -= 1;
        let Ok(length) = usize::try_from(i32::from_be_bytes(self.take()?)) else {
            return Some(Field(None));
        };
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Field(Some(bytes)))
    }
}

/// A parameter whose type is that of the column it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field<'a>(Option<&'a [u8]>);

impl Type<Postgres> for Field<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Field<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Some(bytes) = self.0 else { return Ok(IsNull::Yes) };
        buffer.extend_from_slice(bytes);
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_copy_come_row_by_row_until_its_end() {
        let mut data = HEADER.to_vec();
        for row in [[Some("a"), None], [Some(""), Some("bcd")]] {
            data.extend(2_i16.to_be_bytes());
            for field in row {
                let length = field.map_or(-1, |text| i32::try_from(text.len()).unwrap());
                data.extend(length.to_be_bytes());
                data.extend(field.unwrap_or_default().as_bytes());
            }
        }
        data.extend((-1_i16).to_be_bytes());
        let found: Vec<_> = Fields::of(&data).map(|field| field.0).collect();
        assert_eq!(found, [Some(&b"a"[..]), None, Some(b""), Some(b"bcd")]);
        assert_eq!(Fields::of(HEADER).count(), 0);
    }

    #[test]
    fn parameters_are_numbered_row_by_row() {
        let casts = vec![String::new(), "::text::kind".to_owned()];
        let target = Target { name: "t (a, b)".to_owned(), casts };
        assert_eq!(
            statement(&target, 2),
            "INSERT INTO t (a, b) VALUES ($1, $2::text::kind), ($3, $4::text::kind)"
        );
    }
}
