//! (User, Create).

use super::{identity, profile};
use crate::{
    eras::discovery::{
        Call, Handled, HandlerError, Scope, ensure, metadata::open_envelope, reject, signer::app_of,
    },
    model::{
        EntityTx, Json,
        json::Object,
        tables::{DeveloperApp, DeveloperAppBy, User, UserBy, UserEvent},
    },
};

/// First id of a user.
const ID_OFFSET: i64 = 3_000_000;

/// Signs a user up; the signer becomes their wallet (handlers-a 1).
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let signer = call.signer();
    let metadata = SignUp::of(tx);
    scope.want::<UserEvent>(tx.user_id);
    scope.want_by::<User>(UserBy::WalletLc, &signer);
    scope.want_by::<DeveloperApp>(DeveloperAppBy::AddressLc, &signer);
    if let SignUp::Profile(data) = metadata {
        identity::want(tx.user_id, data, scope);
        identity::check_bio(data)?;
    }
    ensure(scope.view::<User>(tx.user_id)?.is_none(), "user_exists")?;
    ensure(tx.user_id >= ID_OFFSET, "user_id_below_offset")?;
    ensure(app_of(&signer, scope)?.is_none(), "signer_is_app")?;
    check_wallet_is_free(&signer, scope)?;
    let mut user = bare(tx, signer, scope);
    match metadata {
        SignUp::Bare => {}
        SignUp::Profile(data) => {
            identity::validate(&mut user, data, scope)?;
            // Parity: whatever the metadata says.
            profile::apply(&mut user, &["is_storage_v2"], data, tx, scope)?;
        }
        SignUp::Invalid => return Err(reject("metadata_data_not_object")),
    }
    user.is_storage_v2 = Some(true);
    scope.put(user)
}

/// What the metadata of a sign-up asks for.
#[derive(Clone, Copy)]
enum SignUp<'a> {
    /// No envelope, or null `data`: a user without a handle.
    Bare,
    /// A user with a profile.
    Profile(&'a Object),
    /// Other `data`, or empty metadata. Parity: garbage is better than nothing here.
    Invalid,
}

impl<'a> SignUp<'a> {
    fn of(tx: &'a EntityTx) -> Self {
        if tx.metadata.is_empty() {
            return Self::Invalid;
        }
        match open_envelope(tx) {
            Err(_) | Ok((_, Json::Null)) => Self::Bare,
            Ok((_, Json::Object(data))) => Self::Profile(data),
            Ok(_) => Self::Invalid,
        }
    }
}

/// Parity: only users stored before the block count, and only the exact text.
fn check_wallet_is_free(wallet: &str, scope: &mut Scope<'_>) -> Result<(), HandlerError> {
    let owners = scope.stored_by::<User>(UserBy::WalletLc, wallet)?;
    let taken = owners.iter().any(|user| user.wallet.as_deref() == Some(wallet));
    ensure(!taken, "wallet_taken")
}

fn bare(tx: &EntityTx, wallet: String, scope: &Scope<'_>) -> User {
    User {
        blockhash: Some(scope.block.hash.clone()),
        user_id: tx.user_id,
        is_current: true,
        wallet: Some(wallet),
        blocknumber: Some(scope.block.number),
        created_at: scope.block.time,
        updated_at: scope.block.time,
        txhash: tx.hash.clone(),
        ..User::default()
    }
}
