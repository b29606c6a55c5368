//! Notifications that users look at, and announcements (handlers-a 7).

use std::sync::Arc;

use super::{
    Call, Handled, Scope, ensure, poison, reject,
    signer::{authorize, authorize_verifier},
};
use crate::model::{
    key::Key,
    tables::{Notification, NotificationSeen, Playlist, PlaylistSeen},
};

/// (Notification, View): when the user last looked; the first view of a second counts.
pub fn view(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let time = scope.block.time;
    scope.want::<NotificationSeen>((tx.user_id, time));
    authorize(tx, scope)?;
    // Parity: the reference would fail on a row of an earlier block with the same second.
    if scope.view::<NotificationSeen>((tx.user_id, time))?.is_some() {
        return Ok(());
    }
    scope.put(NotificationSeen {
        user_id: tx.user_id,
        seen_at: time,
        blocknumber: Some(scope.block.number),
        blockhash: Some(scope.block.hash.clone()),
        txhash: tx.hash.clone(),
    })
}

/// (Notification, Create): an announcement to everybody, by the verifier; one per block.
pub fn announce(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    authorize_verifier(tx, scope)?;
    let Some(Ok(data)) = &tx.json else { return Err(reject("metadata_not_json")) };
    let group_id = format!("announcement:blocknumber:{}", scope.block.number);
    let specifier = String::new();
    if scope.view::<Notification>((&group_id, &specifier))?.is_some() {
        return Ok(());
    }
    if tx.lone_surrogate {
        return Err(poison("metadata_lone_surrogate"));
    }
    scope.put(Notification {
        specifier,
        group_id,
        r#type: "announcement".to_owned(),
        slot: None,
        blocknumber: Some(scope.block.number),
        timestamp: scope.block.time,
        data: Some(Arc::new(data.clone())),
        user_ids: Some(Vec::new()),
        type_v2: None,
    })
}

/// (Notification, `ViewPlaylist`): when the user last looked at a playlist.
pub fn view_playlist(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let key = Key::from((tx.user_id, tx.entity_id));
    scope.want::<Playlist>(tx.entity_id);
    scope.want::<PlaylistSeen>(key.clone());
    authorize(tx, scope)?;
    ensure(scope.view::<Playlist>(tx.entity_id)?.is_some(), "playlist_not_found")?;
    let stored = scope.stored::<PlaylistSeen>(key.clone())?;
    let seen = scope.view::<PlaylistSeen>(key)?;
    let seen_in_block = match (&seen, &stored) {
        (Some(seen), Some(stored)) => !Arc::ptr_eq(seen, stored),
        (seen, _) => seen.is_some(),
    };
    if seen_in_block {
        return Ok(());
    }
    scope.put(PlaylistSeen {
        user_id: tx.user_id,
        playlist_id: tx.entity_id,
        seen_at: scope.block.time,
        is_current: true,
        blocknumber: Some(scope.block.number),
        blockhash: Some(scope.block.hash.clone()),
        txhash: tx.hash.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eras::discovery::sandbox::{Sandbox, code, user};

    #[test]
    fn the_first_view_of_a_block_counts() {
        let mut chain = Sandbox::new([user(1)]);
        let view = (1, "View", "Notification", 0, "whatever");
        assert_eq!(chain.block(&[view, view]).iter().map(code).collect::<Vec<_>>(), ["applied"; 2]);
        let seen = chain.rows::<NotificationSeen>();
        assert_eq!(seen.iter().map(|row| row.txhash.as_str()).collect::<Vec<_>>(), ["1/0"]);
        assert_eq!(code(&chain.call((2, "View", "Notification", 0, ""))), "user_not_found");
        let playlist = (1, "ViewPlaylist", "Notification", 5, "");
        assert_eq!(code(&chain.call(playlist)), "playlist_not_found");
    }

    #[test]
    fn only_the_verifier_announces_once_per_block() {
        let mut chain = Sandbox::new([]);
        let first = (0, "Create", "Notification", 0, "null");
        let second = (0, "Create", "Notification", 0, r#"{"title":"t"}"#);
        assert_eq!(code(&chain.call(first)), "signer_not_verifier");
        chain.sign_as(Some("0xVerifier"));
        assert_eq!(code(&chain.call((0, "Create", "Notification", 0, ""))), "metadata_not_json");
        assert_eq!(
            code(&chain.call((0, "Create", "Notification", 0, "[NaN]"))),
            "refused_by_schema"
        );
        chain.block(&[first, second]);
        let rows = chain.rows::<Notification>();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].data.as_deref(), Some(&crate::model::Json::Null));
        assert_eq!(rows[0].user_ids.as_deref(), Some(&[][..]));
        assert_eq!(rows[0].group_id, "announcement:blocknumber:4");
    }
}
