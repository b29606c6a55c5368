//! Play counts that are set right from outside (frame.md 6).

use super::{
    Call, Handled, Scope, Wants,
    entry::{Entry, entry},
    error, reject,
};
use crate::model::tables::AggregatePlays;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[entry("PlayCount", "Reconcile", reconcile_wants, reconcile)];

/// Adds a number to the plays of a track.
///
/// Parity: nobody asks who signs; any such call changes a count, downwards too.
///
/// # Errors
/// Rejects metadata without a number; a hard error for one that the column cannot hold.
fn reconcile(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let delta = call.meta.int("delta").ok_or_else(|| reject("delta_missing"))?;
    let row = AggregatePlays { play_item_id: call.tx.entity_id, count: Some(delta) };
    let mut overflows = false;
    scope.upsert(row, |old, new| {
        let count = old.count.map(|count| count.checked_add(delta));
        overflows = count == Some(None);
        AggregatePlays { count: count.flatten(), ..new }
    })?;
    if overflows { Err(error("bigint_out_of_range")) } else { Ok(()) }
}

fn reconcile_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<AggregatePlays>(call.tx.entity_id);
}

#[cfg(test)]
mod tests {
    use crate::{
        eras::etl::sandbox::{Sandbox, code},
        model::tables::AggregatePlays,
    };

    #[test]
    fn anybody_changes_a_count_by_a_number() {
        let mut chain = Sandbox::new([]);
        let mut add = |metadata| {
            let outcome = chain.call((0, "Reconcile", "PlayCount", 5, metadata));
            let count: Vec<_> =
                chain.rows::<AggregatePlays>().iter().map(|row| row.count).collect();
            (code(&outcome), count)
        };
        assert_eq!(add(r#"{"delta":"5"}"#), ("delta_missing", vec![]));
        assert_eq!(add(r#"{"delta":5.9}"#), ("applied", vec![Some(5)]));
        assert_eq!(add(r#"{"delta":-7}"#), ("applied", vec![Some(-2)]));
        assert_eq!(add(r#"{"delta":-1e30}"#), ("bigint_out_of_range", vec![Some(-2)]));
    }
}
