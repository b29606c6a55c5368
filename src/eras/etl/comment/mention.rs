//! The users that a comment mentions (social.md 4.1, 4.2).

use crate::{
    eras::etl::{Call, Handled, Scope, Wants, go_int},
    model::{
        Json,
        tables::{CommentMention, CommentMentionBy},
    },
};

/// Mentions that are kept: the first ones of the list.
const LIMIT: usize = 10;

/// The mentioned users, each once, in the order of the list. What is no number counts toward the
/// limit and is dropped.
pub(super) fn mentioned(call: &Call<'_>) -> Vec<i64> {
    let sent = call.meta.get("mentions").and_then(Json::as_list).unwrap_or_default();
    let mut users = Vec::new();
    for user in sent.iter().take(LIMIT).filter_map(go_int) {
        if !users.contains(&user) {
            users.push(user);
        }
    }
    users
}

/// Names the rows that [`add`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    for user in mentioned(call) {
        wants.row::<CommentMention>((call.tx.entity_id, user));
    }
}

/// Adds mentions to the comment of a call, or brings them back.
///
/// # Errors
/// A hard error for an id that the column does not hold.
pub(super) fn add(users: &[i64], call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    for user in users {
        let mention = CommentMention {
            comment_id: call.tx.entity_id,
            user_id: *user,
            created_at: call.now,
            updated_at: call.now,
            is_delete: Some(false),
            txhash: call.tx.hash.clone(),
            blockhash: scope.block.hash.clone(),
            blocknumber: Some(scope.block.number),
        };
        scope.upsert(mention, |old, new| CommentMention {
            created_at: old.created_at,
            blockhash: old.blockhash.clone(),
            ..new
        })?;
    }
    Ok(())
}

/// Makes the mentions of the comment of a call those of a list: all others go.
///
/// # Errors
/// See [`add`].
pub(super) fn replace(users: &[i64], call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let mentions = scope.find::<CommentMention>(CommentMentionBy::Comment, call.tx.entity_id)?;
    for old in mentions.iter().filter(|mention| mention.is_delete == Some(false)) {
        let new = CommentMention {
            is_delete: Some(true),
            updated_at: call.now,
            txhash: call.tx.hash.clone(),
            blocknumber: Some(scope.block.number),
            ..(**old).clone()
        };
        scope.update(old, new)?;
    }
    add(users, call, scope)
}
