//! Follows, saves, reposts, tips and mutes.

use std::sync::Arc;

use super::{ARTIST, FAN, OTHER_SONG, SONG, act, artist, both, send};
use crate::{
    eras::discovery::{Rules, sandbox::Sandbox},
    model::{
        Timestamp,
        table::Row,
        tables::{CommentNotificationSetting, Follow, MutedUser, Reaction, Repost, Save, UserTip},
    },
};

#[test]
fn rewrites_reset_created_at() {
    let reset = both(
        |rules| rules.rewrites_reset_created_at = false,
        |chain| {
            for action in ["Mute", "Unmute", "Mute"] {
                assert_eq!(act(chain, action, "User", FAN, ""), "applied");
                act(chain, action, "Track", SONG, "");
            }
            let mute = chain.rows::<MutedUser>().remove(0);
            let setting = chain.rows::<CommentNotificationSetting>().remove(0);
            [mute.created_at == mute.updated_at, setting.created_at == setting.updated_at]
        },
    );
    assert_eq!(reset, [[true, true], [false, false]]);
}

#[test]
fn idle_social_calls() {
    let rejected = |rules: &mut Rules| rules.idle_social_calls = false;
    for (entity, id, on, off) in [
        ("User", FAN, "Follow", "Unfollow"),
        ("User", FAN, "Subscribe", "Unsubscribe"),
        ("Track", OTHER_SONG, "Save", "Unsave"),
        ("Track", OTHER_SONG, "Repost", "Unrepost"),
    ] {
        let codes = both(rejected, |chain| {
            [off, on, on, off, off].map(|action| act(chain, action, entity, id, ""))
        });
        assert_eq!(codes[0], ["applied"; 5], "{on}");
        let idle = "nothing_to_take_back";
        assert_eq!(codes[1], [idle, "applied", "repeated", "applied", idle], "{on}");
    }
    let rows = both(rejected, |chain| {
        act(chain, "Unfollow", "User", FAN, "");
        chain.rows::<Follow>().len()
    });
    assert_eq!(rows, [1, 0]);
}

#[test]
fn own_content_refused() {
    let codes = both(
        |rules| rules.own_content_refused = false,
        |chain| ["Save", "Repost", "Share"].map(|action| act(chain, action, "Track", SONG, "")),
    );
    assert_eq!(codes, [["own_content"; 3], ["applied"; 3]]);
}

#[test]
fn loose_repost_flag() {
    let flags = both(
        |rules| rules.loose_repost_flag = false,
        |chain| {
            act(chain, "Save", "Track", OTHER_SONG, r#"{"is_save_of_repost":"false"}"#);
            let data = r#"{"cid":"","data":{"is_repost_of_repost":true}}"#;
            act(chain, "Repost", "Track", OTHER_SONG, data);
            (
                chain.rows::<Save>().remove(0).is_save_of_repost,
                chain.rows::<Repost>().remove(0).is_repost_of_repost,
            )
        },
    );
    assert_eq!(flags, [(Some(true), Some(false)), (Some(false), Some(true))]);
}

#[test]
fn unsigned_tip_reactions() {
    let tip = UserTip {
        slot: 1,
        signature: "sig".into(),
        sender_user_id: FAN,
        receiver_user_id: ARTIST,
        amount: 1,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    };
    let reactions = [true, false].map(|unsigned| {
        let rules = Rules { unsigned_tip_reactions: unsigned, ..Rules::python() };
        let rows: [Row; 3] = [artist(ARTIST), artist(FAN), Arc::new(tip.clone())];
        let mut chain = Sandbox::new(rows).under(rules);
        chain.sign_as(Some("0xSomebody"));
        send(&mut chain, "Update", "Tip", 0, r#"{"reacted_to":"sig","reaction_value":1}"#);
        chain.rows::<Reaction>().len()
    });
    assert_eq!(reactions, [1, 0]);
}
