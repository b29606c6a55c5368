//! Followers, and the posts of an artist to them (`handle_fan_club_text_post`, triggers.md 4.8).

use super::{
    Halt, Handled, Scope,
    comment_notices::{is_answer, is_shown},
    note::{Circular, Stamp},
};
use crate::model::{
    Json,
    tables::{Comment, CurrentFollow, CurrentFollowBy},
};

/// The active followers of a user.
pub(super) fn followers(user_id: i64, scope: &mut Scope<'_>) -> Result<Vec<i64>, Halt> {
    let rows = scope.find::<CurrentFollow>(CurrentFollowBy::Followee, user_id)?;
    let active = rows.iter().filter(|row| !row.is_delete);
    Ok(active.map(|row| row.follower_user_id).collect())
}

/// Tells the followers of an artist of a post to the own fan club.
///
/// Holders of the artist's coin are told as well by the reference; the balances are not known here.
pub(super) fn artist_posted(comment: &Comment, scope: &mut Scope<'_>) -> Handled {
    let artist = comment.user_id;
    let is_post = comment.entity_type == "FanClub" && comment.entity_id == artist;
    if !is_post || !is_shown(comment) || is_answer(comment, scope)? {
        return Ok(());
    }
    let followers = followers(artist, scope)?;
    Circular {
        kind: "fan_club_text_post",
        group_id: post_group(comment.comment_id, artist),
        data: Json::object([
            ("entity_user_id", Json::Int(artist)),
            ("comment_id", Json::Int(comment.comment_id)),
        ]),
    }
    .send(
        followers.into_iter().filter(|follower| *follower != artist),
        Stamp::of(comment.blocknumber, comment.created_at),
        scope,
    )
}

/// The group of the notifications of a post.
pub(super) fn post_group(comment_id: i64, artist: i64) -> String {
    format!("fan_club_text_post:{comment_id}:user:{artist}")
}
