//! Invitations and answers on a chain in memory.

use crate::{
    eras::etl::sandbox::{Sandbox, code, user},
    model::tables::TrackCollaborator,
};

const OWNER: i64 = 3_000_001;
const GUEST: i64 = 3_000_002;
const SONG: i64 = 2_000_001;

fn invited() -> Sandbox {
    let mut chain = Sandbox::new([user(OWNER), user(GUEST)]);
    let metadata = r#"{"owner_id":3000001,"title":"A","collaborators":[3000002]}"#;
    chain.call((OWNER, "Create", "Track", SONG, metadata));
    chain
}

fn answer(chain: &mut Sandbox, action: &str) -> (&'static str, String) {
    let outcome = chain.call((GUEST, action, "TrackCollaborator", SONG, ""));
    let rows = chain.rows::<TrackCollaborator>();
    (code(&outcome), rows.into_iter().map(|row| row.status).collect())
}

#[test]
fn an_invitation_is_accepted_once_and_left_once() {
    let mut chain = invited();
    assert_eq!(answer(&mut chain, "Approve"), ("applied", "accepted".into()));
    let twice = ("collaborator_invite_not_pending", "accepted".into());
    assert_eq!(answer(&mut chain, "Approve"), twice);
    assert_eq!(answer(&mut chain, "Reject"), ("applied", "rejected".into()));
    let twice = ("collaborator_credit_not_active", "rejected".into());
    assert_eq!(answer(&mut chain, "Reject"), twice);
}

#[test]
fn who_declined_is_invited_again_only_after_the_list_went_without_them() {
    let mut chain = invited();
    answer(&mut chain, "Reject");
    for (list, expected) in [("[3000002]", "rejected"), ("[]", ""), ("[3000002]", "pending")] {
        let metadata = format!(r#"{{"collaborators":{list}}}"#);
        chain.call((OWNER, "Update", "Track", SONG, &metadata));
        let status: String =
            chain.rows::<TrackCollaborator>().into_iter().map(|row| row.status).collect();
        assert_eq!(status, expected, "{list}");
    }
}

#[test]
fn nobody_answers_who_was_not_invited() {
    let mut chain = Sandbox::new([user(OWNER), user(GUEST)]);
    let outcome = chain.call((GUEST, "Approve", "TrackCollaborator", SONG, ""));
    assert_eq!(code(&outcome), "collaborator_invite_not_found");
    let beyond = chain.call((GUEST, "Approve", "TrackCollaborator", 1 << 40, ""));
    assert_eq!(code(&beyond), "collaborator_invite_not_found");
}
