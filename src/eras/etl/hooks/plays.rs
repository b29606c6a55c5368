//! Plays as the process around the indexer copies them to `plays` (frame.md 4.1).

use crate::{
    eras::{
        Numbering,
        etl::{Halt, Handled, Scope, Wants, derived, error},
    },
    model::{Block, PlayRow, Provenance, Recorded, TxBody, block::Play},
};

/// Rows that one statement of the reference holds: each has ten of the 65535 parameters.
const STATEMENT_ROWS: usize = 6553;

/// Adds the plays of the transaction at `position` to `plays`.
///
/// Parity: plays of tracks without a number are left out. A number that the column cannot hold, or
/// one row too many, loses all rows of the transaction, and nothing else.
///
/// # Errors
/// [`Halt::Error`] where the reference fails on the row of `etl_plays`, [`Halt::Vanish`] where its
/// transaction is aborted later: nothing of the plays stays.
pub(in crate::eras::etl) fn plays(
    position: usize,
    plays: &[Play],
    scope: &mut Scope<'_>,
    provenance: &mut Provenance,
) -> Handled {
    check_details(plays)?;
    if !scope.settings.plays {
        return Ok(());
    }
    let rows = sent_rows(position, plays, scope.block.height)?;
    if !rows.is_empty() {
        scope.store().note_plays(position);
        scope.as_trigger(|scope| derived::plays_inserted(plays, &rows, scope)).map_err(vanish)?;
    }
    list(plays, rows, provenance);
    Ok(())
}

/// The record of a block, calls left aside; see [`crate::eras::Record`].
pub fn record(block: &Block, numbering: &mut Numbering, with_plays: bool) -> Provenance {
    numbering.last = Some((block.height, block.hash.clone()));
    let mut provenance = Provenance { plays_slot: Some(0), ..Provenance::default() };
    for (position, tx) in block.txs.iter().enumerate() {
        let TxBody::Plays(plays) = &tx.body else { continue };
        let rows = check_details(plays).and_then(|()| match with_plays {
            true => sent_rows(position, plays, block.height).map(Some),
            false => Ok(None),
        });
        match rows {
            Ok(rows) => rows.into_iter().for_each(|rows| list(plays, rows, &mut provenance)),
            Err(Halt::Vanish { .. }) => provenance.exceptions.push((position, Recorded::Nothing)),
            Err(_) => provenance.exceptions.push((position, Recorded::Blank)),
        }
    }
    provenance
}

/// What `etl_plays` takes.
fn check_details(plays: &[Play]) -> Handled {
    let has_nul = |play: &Play| {
        [&play.user_id, &play.track_id, &play.city, &play.region, &play.country]
            .iter()
            .any(|text| text.contains('\0'))
    };
    if plays.iter().any(has_nul) { Err(error("nul_in_play")) } else { Ok(()) }
}

/// The rows that reach the server.
fn sent_rows(position: usize, plays: &[Play], height: i64) -> Result<Vec<PlayRow>, Halt> {
    let rows = rows(position, plays, height);
    // The one text of `plays` that `etl_plays` lacks; what comes of it is met by the server.
    if rows.iter().any(|row| plays[row.play].signature.contains('\0')) {
        return Err(vanish(error("nul_in_play")));
    }
    Ok(rows)
}

fn list(plays: &[Play], rows: Vec<PlayRow>, provenance: &mut Provenance) {
    provenance.plays_left_out += (plays.len() - rows.len()) as u64;
    provenance.plays.extend(rows);
}

/// Names what [`plays`] reads.
pub(in crate::eras::etl) fn plays_wants(
    position: usize,
    plays: &[Play],
    height: i64,
    wants: &mut Wants<'_>,
) {
    let rows = rows(position, plays, height);
    if !rows.is_empty() {
        derived::plays_wants(plays, &rows, wants);
    }
}

/// The rows of `plays`; none where the driver refuses to send them.
fn rows(tx: usize, plays: &[Play], slot: i64) -> Vec<PlayRow> {
    let numbered = plays.iter().enumerate().filter_map(|(play, of)| {
        let track = of.track_id.parse().ok()?;
        Some(PlayRow { tx, play, user: of.user_id.parse().ok(), track, slot })
    });
    let rows: Vec<PlayRow> = numbered.collect();
    let is_outside = |id: i64| i32::try_from(id).is_err();
    let is_refused = |row: &PlayRow| {
        [Some(row.track), row.user, Some(slot)].into_iter().flatten().any(is_outside)
    };
    if rows.len() > STATEMENT_ROWS || rows.iter().any(is_refused) { Vec::new() } else { rows }
}

/// An error of the server that the hook swallows: the transaction of the plays is aborted.
fn vanish(halt: Halt) -> Halt {
    match halt {
        Halt::Reject(reason) | Halt::Error(reason) => Halt::Vanish { reason, as_reject: false },
        Halt::Missing | Halt::Vanish { .. } => halt,
    }
}
