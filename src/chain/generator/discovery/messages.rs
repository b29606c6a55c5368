//! Calls about notifications, emails and reactions to tips.

use serde_json::{Value, json};

use crate::chain::generator::world::{Call, Email, World};

pub(super) fn add_email(world: &mut World) -> Option<Call> {
    let (owner, reader) = (world.user()?, world.user()?);
    let data = json!({
        "email_owner_user_id": owner.id,
        "encrypted_email": world.random.identifier(80),
        "access_grants": [access(world, reader.id, owner.id)],
    });
    let metadata = world.envelope(&data);
    world.emails.add(Email { owner, reader });
    Some(Call::by(owner, ("EncryptedEmail", "AddEmail"), owner.id, metadata))
}

/// Somebody who can read an email lets another user read it.
pub(super) fn share_email(world: &mut World) -> Option<Call> {
    let email = world.emails.pick_settled(&mut world.random)?;
    let other = world.user()?;
    let data = json!({
        "email_owner_user_id": email.owner.id,
        "access_grants": [access(world, other.id, email.reader.id)],
    });
    let metadata = world.envelope(&data);
    Some(Call::by(email.reader, ("EmailAccess", "Update"), email.owner.id, metadata))
}

fn access(world: &mut World, reader: i64, grantor: i64) -> Value {
    json!({
        "receiving_user_id": reader,
        "grantor_user_id": grantor,
        "encrypted_key": world.random.identifier(96),
    })
}

/// A reaction to a tip. Tips come from another chain, so there is none to react to unless the
/// database has some; the call is valid in form.
pub(super) fn react_to_tip(world: &mut World) -> Option<Call> {
    let account = world.user()?;
    let signature = bs58::encode(world.random.bytes::<64>()).into_string();
    let data = json!({
        "reacted_to": signature,
        "reaction_value": world.random.between(1, 4),
    });
    let metadata = world.envelope(&data);
    Some(Call::by(account, ("Tip", "Update"), account.id, metadata))
}
