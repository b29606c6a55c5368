//! Comments, their reactions, mentions and pins.

use super::{FAN, SONG, act, both, envelope, send, song};
use crate::model::tables::{CommentMention, CommentReaction};

#[test]
fn reactions_are_final() {
    let codes = both(
        |rules| rules.reactions_are_final = false,
        |chain| {
            let comment = format!(r#"{{"entity_type":"Track","entity_id":{SONG},"body":"x"}}"#);
            send(chain, "Create", "Comment", 4_000_001, &comment);
            let react = envelope(&format!(r#"{{"entity_type":"Track","entity_id":{SONG}}}"#));
            let mut codes = Vec::new();
            for (action, metadata) in
                [("React", &react), ("Unreact", &String::new()), ("Unreact", &String::new())]
            {
                codes.push(act(chain, action, "Comment", 4_000_001, metadata));
            }
            codes.push(act(chain, "React", "Comment", 4_000_001, &react));
            let row = chain.rows::<CommentReaction>().remove(0);
            (codes, row.created_at == row.updated_at, row.is_delete)
        },
    );
    let again = ["applied", "applied", "not_reacted", "applied"];
    assert_eq!(
        found(&codes[0]),
        (&["applied", "applied", "applied", "already_reacted"][..], false, Some(true))
    );
    assert_eq!(found(&codes[1]), (&again[..], false, Some(false)));
}

type Reacted = (Vec<&'static str>, bool, Option<bool>);

fn found((codes, same_time, is_delete): &Reacted) -> (&[&'static str], bool, Option<bool>) {
    (codes, *same_time, *is_delete)
}

#[test]
fn comment_names_entity_type() {
    let codes = both(
        |rules| rules.comment_names_entity_type = false,
        |chain| {
            let data = format!(r#"{{"entity_id":{SONG},"body":"x"}}"#);
            send(chain, "Create", "Comment", 4_000_001, &data)
        },
    );
    assert_eq!(codes, ["entity_type_not_track", "applied"]);
}

#[test]
fn repeated_mentions_rest() {
    let hashes = both(
        |rules| rules.repeated_mentions_rest = false,
        |chain| {
            let data = format!(
                r#"{{"entity_type":"Track","entity_id":{SONG},"body":"x","mentions":[{FAN}]}}"#
            );
            for action in ["Create", "Update"] {
                assert_eq!(send(chain, action, "Comment", 4_000_001, &data), "applied");
            }
            let mention = chain.rows::<CommentMention>().remove(0);
            (mention.created_at == mention.updated_at, mention.is_delete)
        },
    );
    assert_eq!(hashes, [(true, Some(false)), (false, Some(false))]);
}

#[test]
fn pins_rewrite_tracks() {
    let hashes = both(
        |rules| rules.pins_rewrite_tracks = false,
        |chain| {
            let data = format!(r#"{{"entity_type":"Track","entity_id":{SONG},"body":"x"}}"#);
            send(chain, "Create", "Comment", 4_000_001, &data);
            let before = song(chain);
            assert_eq!(send(chain, "Pin", "Comment", 4_000_001, &data), "applied");
            let after = song(chain);
            assert_eq!(after.pinned_comment_id, Some(4_000_001));
            assert!(after.updated_at > before.updated_at);
            (after.txhash == before.txhash, after.blocknumber == before.blocknumber)
        },
    );
    assert_eq!(hashes, [(false, false), (true, true)]);
}
