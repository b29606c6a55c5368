//! How blocks and plays are recorded: by numbers that go on from block to block.

use crate::{
    eras::Numbering,
    model::{Block, PlayRow, Provenance, Recorded, TxBody},
};

/// The record of a block, entity calls left aside. `with_plays`: its plays go into `plays`.
///
/// All plays of a block share a slot, one more than that of the block with plays before it
/// (core-chain (d)). The reference would stall for ever on a track id that is no integer; here the
/// play is left out and counted. Calls of a genesis came after the reference's time: they are
/// recorded as transactions, and nothing more.
pub fn record(block: &Block, numbering: &mut Numbering, with_plays: bool) -> Provenance {
    let below = numbering.last.replace((block.height, block.hash.clone()));
    let parent = below.filter(|(height, _)| height + 1 == block.height);
    let bodies = block.txs.iter().map(|tx| &tx.body).enumerate();
    let migrated = bodies.filter(|(_, body)| matches!(body, TxBody::ManageEntityMigration(_)));
    let mut provenance = Provenance {
        marks_current: true,
        parent_hash: parent.map(|(_, hash)| hash),
        exceptions: migrated.map(|(tx, _)| (tx, Recorded::WithoutDetails)).collect(),
        ..Provenance::default()
    };
    if with_plays {
        add_plays(block, numbering, &mut provenance);
    }
    provenance
}

fn add_plays(block: &Block, numbering: &mut Numbering, provenance: &mut Provenance) {
    for (tx, body) in block.txs.iter().map(|tx| &tx.body).enumerate() {
        let TxBody::Plays(plays) = body else { continue };
        for (position, play) in plays.iter().enumerate() {
            let slot = *provenance.plays_slot.get_or_insert_with(|| {
                numbering.plays_slot += 1;
                numbering.plays_slot
            });
            match play.track() {
                Some(track) => {
                    let user = play.user();
                    provenance.plays.push(PlayRow { tx, play: position, user, track, slot });
                }
                None => provenance.plays_left_out += 1,
            }
        }
    }
}
