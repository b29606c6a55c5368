//! `on_associated_wallets` (triggers.md 4.11): whose balance on Ethereum has to be added up again.

use std::sync::Arc;

use super::{Handled, Scope};
use crate::model::tables::AssociatedWallet;

/// Notes the user of an Ethereum wallet that was linked or given up. The balances themselves are no
/// business of the chain's rows: the writer adds them up when it stores the wallets.
pub(super) fn fired(
    old: Option<&AssociatedWallet>,
    new: &Arc<AssociatedWallet>,
    scope: &mut Scope<'_>,
) -> Handled {
    if new.chain == "eth" && old.is_none_or(|old| old.is_delete != new.is_delete) {
        scope.note_balance(new.user_id);
    }
    Ok(())
}
