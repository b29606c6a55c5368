//! What belongs to an account: emails and wallets; and corrections of play counts, which belong to
//! nobody.

use alloy::hex;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::chain::generator::facts::Fact;
use crate::chain::generator::wallet::{ownership_message, solana_wallet};
use crate::chain::generator::world::{Call, Email, Linked, World};

/// A user's email, readable by another; a second one of a user would change nothing.
pub(super) fn add_email(world: &mut World) -> Option<Call> {
    let (owner, reader) = (world.user()?, world.user()?);
    if !world.facts.note(Fact("email", owner.id, 0)) {
        return None;
    }
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
        "is_initial": world.random.chance(500),
    })
}

pub(super) fn link_wallet(world: &mut World) -> Option<Call> {
    let account = world.user()?;
    let message = ownership_message(account.id);
    let (address, signature, chain) = if world.random.chance(500) {
        let key = world.new_key();
        (key.lower(), key.sign_text(&message), "eth")
    } else {
        let (address, signature) = solana_wallet(&world.random.bytes(), account.id);
        (address, BASE64.encode(hex::decode(signature).ok()?), "sol")
    };
    let data = json!({
        "wallet": address,
        "chain": chain,
        "wallet_signature": { "message": message, "signature": signature },
    });
    let metadata = world.envelope(&data);
    world.wallets.add(Linked { account, address, chain, key: None });
    Some(Call::by(account, ("AssociatedWallet", "Create"), 0, metadata))
}

pub(super) fn unlink_wallet(world: &mut World) -> Option<Call> {
    let wallet = world.wallets.take(&mut world.random)?;
    let metadata = world.envelope(&json!({ "wallet": wallet.address, "chain": wallet.chain }));
    Some(Call::by(wallet.account, ("AssociatedWallet", "Delete"), 0, metadata))
}

/// Plays that are missing in a count, in nobody's name.
pub(super) fn reconcile(world: &mut World) -> Option<Call> {
    let (account, track) = (world.user()?, world.track()?);
    let metadata = json!({ "delta": world.random.between(1, 500) }).to_string();
    let call = Call::by(account, ("PlayCount", "Reconcile"), track.id, metadata);
    Some(Call { user_id: 0, ..call })
}
