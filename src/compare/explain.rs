//! Known differences that hold under a condition, asked of one of the databases.

use serde_json::json;

use super::form::{Class, Form};
use super::plan::TablePlan;
use super::query::Query;
use super::session::{Objection, Session};
use super::sql::{identifier, quoted};
use super::table::TableRun;
use super::{Difference, Error, Side};

/// After which a condition is given up, in milliseconds.
const TIMEOUT: u32 = 30_000;

/// Names that no column has.
const IDENTITY: &str = "\"audius-etl row\"";
const NUMBER: &str = "\"audius-etl number\"";

impl TableRun<'_> {
    /// Looks for the entries of known differences whose conditions hold.
    pub(crate) async fn explain(
        &self,
        etl: &mut Session,
        prod: &mut Session,
        differences: &mut [Difference],
    ) -> Result<(), Error> {
        for (index, entry, condition) in self.run.known.conditional(&self.plan.name) {
            if self.run.inapplicable.contains(&(index, self.plan.name.clone())) {
                continue;
            }
            let mut open: Vec<&mut Difference> = differences
                .iter_mut()
                .filter_map(|difference| entry.claim(difference, None).then_some(difference))
                .collect();
            if open.is_empty() {
                continue;
            }
            let doing = format!(
                "asking in which rows of {} the condition of known difference {} holds",
                self.plan.name,
                entry.title()
            );
            let sql = which_hold(&self.query_of(entry.ask), &open, condition);
            let asked = match entry.ask {
                Side::Etl => &mut *etl,
                Side::Prod => &mut *prod,
            };
            asked.limit_statements(TIMEOUT).await?;
            let held = asked.texts(&doing, &sql).await?;
            asked.limit_statements_as_always().await?;
            let numbers = held.into_iter().flatten().flatten();
            for number in numbers.filter_map(|text| text.parse::<usize>().ok()) {
                if let Some(difference) = number.checked_sub(1).and_then(|at| open.get_mut(at)) {
                    entry.claim(difference, Some(index));
                }
            }
        }
        Ok(())
    }
}

/// What a server says against a condition about rows of a table.
pub(crate) async fn objection(
    session: &mut Session,
    query: &Query<'_>,
    condition: &str,
) -> Result<Option<Objection>, Error> {
    session.objection(&which_hold(query, &[], condition)).await
}

/// The numbers, from 1, of the rows in which the condition holds. `t` is etl's row and `r` that of
/// the reference: the one of the side that is asked is whole, of the other's there are the compared
/// columns, in the numbers of the reference.
fn which_hold(query: &Query<'_>, rows: &[&mut Difference], condition: &str) -> String {
    let (own, other) = match query.side {
        Side::Etl => ("t", "r"),
        Side::Prod => ("r", "t"),
    };
    let wanted: Vec<_> = rows.iter().map(|row| (row.identity.clone(), row.first.clone())).collect();
    let sent = |row: &Difference| match query.side {
        Side::Etl => json!({ "i": row.identity, "v": row.prod_row }),
        Side::Prod => json!({ "i": row.identity, "v": row.etl_row }),
    };
    let values = rows.iter().map(|row| sent(row)).collect();
    let values = quoted(&serde_json::Value::Array(values).to_string());
    format!(
        "WITH {other} AS MATERIALIZED (SELECT e.n AS {NUMBER}, e.v->>'i' AS {IDENTITY}, {columns} \
            FROM jsonb_array_elements({values}::jsonb) WITH ORDINALITY AS e(v, n)), \
         {own} AS MATERIALIZED ({whole}) \
         SELECT DISTINCT {other}.{NUMBER}::text FROM {other} \
         LEFT JOIN {own} ON {own}.{IDENTITY} = {other}.{IDENTITY} WHERE ({condition})",
        columns = columns(query.plan, query.side),
        whole = query.whole_rows(IDENTITY, &wanted),
    )
}

/// The compared columns as the other side than `asked` sends them.
fn columns(plan: &TablePlan, asked: Side) -> String {
    let compared = plan.columns.iter().enumerate().map(|(index, column)| {
        let class = match asked {
            Side::Etl => &column.prod,
            Side::Prod => &column.etl,
        };
        let ty = type_of(class, column.form);
        format!("(e.v->'v'->>{index})::{ty} AS {}", identifier(&column.name))
    });
    let others = plan.further.iter().map(|(name, class)| {
        format!("NULL::{} AS {}", type_of(class, Form::Plain), identifier(name))
    });
    compared.chain(others).collect::<Vec<_>>().join(", ")
}

/// A type that takes every value of the class in the form, on any server.
fn type_of(class: &Class, form: Form) -> String {
    match (form, class) {
        (Form::Number, _) | (_, Class::Numeric) => "numeric".to_owned(),
        (Form::Time, _) | (_, Class::Timestamp) => "timestamp".to_owned(),
        (Form::Json | Form::JsonArray, _) | (_, Class::Json) => "jsonb".to_owned(),
        (_, Class::Bool) => "boolean".to_owned(),
        (_, Class::Integer) => "bigint".to_owned(),
        (_, Class::Float) => "float8".to_owned(),
        (_, Class::Bytes) => "bytea".to_owned(),
        (_, Class::TimestampTz) => "timestamptz".to_owned(),
        (_, Class::Date) => "date".to_owned(),
        (_, Class::Array(element)) => format!("{}[]", type_of(element, Form::Plain)),
        (_, Class::Text | Class::Other(_)) => "text".to_owned(),
    }
}
