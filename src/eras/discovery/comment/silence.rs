//! When a notification about a comment is not sent (handlers-c 3.1).

use crate::{
    eras::discovery::{HandlerError, Scope},
    model::tables::{
        AggregateUser, CommentNotificationSetting, CommentReport, CommentReportBy, MutedUser,
        MutedUserBy,
    },
};

/// How the followers of a user's muters compare with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Karma {
    /// Muted from the threshold on.
    AtLeast,
    /// Muted above the threshold.
    Above,
}

/// Asks early for what the checks about `actor` read.
pub(super) fn want(actor: i64, scope: &mut Scope<'_>) {
    scope.want_by::<MutedUser>(MutedUserBy::Muted, actor);
}

/// Whether so many followers mute the actor that nobody hears of them.
///
/// Parity: mutes that were taken back count as well.
pub(super) fn is_muted_by_karma(
    actor: i64,
    karma: Karma,
    scope: &mut Scope<'_>,
) -> Result<bool, HandlerError> {
    let mutes = scope.stored_by::<MutedUser>(MutedUserBy::Muted, actor)?;
    let muters: Vec<i64> = mutes.iter().map(|mute| mute.user_id).collect();
    let threshold = scope.env.comment_karma_threshold;
    Ok(followers(&muters, scope)?.is_some_and(|followers| match karma {
        Karma::AtLeast => followers >= threshold,
        Karma::Above => followers > threshold,
    }))
}

/// Whether `owner` does not want to hear of what `actor` does about an entity of theirs.
pub(super) fn is_off(
    entity_type: &str,
    entity_id: i64,
    owner: i64,
    actor: i64,
    scope: &mut Scope<'_>,
) -> Result<bool, HandlerError> {
    let setting = (owner, entity_id, entity_type);
    scope.want::<MutedUser>((owner, actor));
    let setting = scope.stored::<CommentNotificationSetting>(setting)?;
    let mute = scope.stored::<MutedUser>((owner, actor))?;
    Ok(setting.is_some_and(|setting| setting.is_muted == Some(true))
        || mute.is_some_and(|mute| mute.is_delete == Some(false)))
}

/// Who reported a comment, and whether their followers reach the threshold.
#[derive(Debug)]
pub(super) struct Reports {
    /// The reporting users.
    pub(super) users: Vec<i64>,
    /// Whether the comment is hidden for most.
    pub(super) is_shadow_banned: bool,
}

/// The reports of a comment.
pub(super) fn reports(comment_id: i64, scope: &mut Scope<'_>) -> Result<Reports, HandlerError> {
    let reports = scope.stored_by::<CommentReport>(CommentReportBy::Comment, comment_id)?;
    let users: Vec<i64> = reports.iter().map(|report| report.user_id).collect();
    let threshold = scope.env.comment_karma_threshold;
    let followers = followers(&users, scope)?;
    Ok(Reports { users, is_shadow_banned: followers.is_some_and(|count| count >= threshold) })
}

/// The followers of all these users; `None` when no count is known.
fn followers(users: &[i64], scope: &mut Scope<'_>) -> Result<Option<i64>, HandlerError> {
    for user in users {
        scope.want::<AggregateUser>(*user);
    }
    let mut sum = None;
    for user in users {
        let counts = scope.stored::<AggregateUser>(*user)?;
        if let Some(count) = counts.and_then(|counts| counts.follower_count) {
            sum = Some(sum.unwrap_or(0_i64).saturating_add(count));
        }
    }
    Ok(sum)
}
