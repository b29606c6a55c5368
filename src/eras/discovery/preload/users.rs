//! Rows of calls about users and their accounts: profiles, wallets, apps, grants, addresses.

use super::{Wish, id, is_edit, text};
use crate::{
    model::{
        EntityTx, Json,
        json::Object,
        tables::{
            AssociatedWallet, AssociatedWalletBy, Collectibles, DashboardWalletUser,
            DashboardWalletUserBy, DeveloperApp, DeveloperAppBy, EmailAccess, EmailAccessBy,
            EncryptedEmail, Grant, GrantBy, MutedUser, PlaylistSeen, Track, User, UserBy,
            UserEvent, UserPayoutWallet, UserPayoutWalletBy,
        },
    },
    rules::unicode,
};

impl Wish<'_> {
    pub(super) fn user_call(&mut self, tx: &EntityTx, data: Option<&Object>) {
        self.user(tx.entity_id);
        if matches!(tx.action.as_str(), "Mute" | "Unmute") {
            self.row::<MutedUser>((tx.user_id, tx.entity_id));
        }
        if !is_edit(tx) {
            return;
        }
        self.row::<UserEvent>(tx.user_id);
        self.rows::<UserPayoutWallet>(UserPayoutWalletBy::User, tx.user_id);
        if let Some(handle) = text(data, "handle") {
            self.rows::<User>(UserBy::HandleLc, unicode::lower(handle));
        }
        if let Some(track) = id(data, "artist_pick_track_id") {
            self.row::<Track>(track);
        }
    }

    /// What a user owns or lets others do, by the type of the call.
    pub(super) fn account_call(&mut self, tx: &EntityTx, data: Option<&Object>) {
        let user = tx.user_id;
        match tx.entity_type.as_str() {
            "Notification" if tx.action == "ViewPlaylist" => {
                self.playlist(tx.entity_id);
                self.row::<PlaylistSeen>((user, tx.entity_id));
            }
            "AssociatedWallet" => {
                if let Some(wallet) = text(data, "wallet_address").or_else(|| text(data, "wallet"))
                {
                    self.rows::<AssociatedWallet>(AssociatedWalletBy::Wallet, wallet);
                }
            }
            "Collectibles" => self.row::<Collectibles>(user),
            "DashboardWalletUser" => {
                if let Some(wallet) = text(data, "wallet") {
                    let wallet = wallet.to_lowercase();
                    self.rows::<DashboardWalletUser>(DashboardWalletUserBy::WalletLc, wallet);
                }
            }
            "DeveloperApp" => {
                self.rows::<DeveloperApp>(DeveloperAppBy::User, user);
                self.address(text(data, "address"), user);
            }
            "Grant" => {
                self.address(text(data, "grantee_address"), user);
                self.answered_grant(user, id(data, "grantor_user_id"));
            }
            "EncryptedEmail" | "EmailAccess" => self.email(data),
            _ => {}
        }
    }

    /// Whoever an address belongs to, and what `user` granted them.
    fn address(&mut self, address: Option<&str>, user: i64) {
        let Some(address) = address.map(str::to_lowercase) else { return };
        self.rows::<DeveloperApp>(DeveloperAppBy::AddressLc, address.as_str());
        self.rows::<User>(UserBy::WalletLc, address.as_str());
        self.rows::<Grant>(GrantBy::GranteeLc, (address, user));
    }

    /// The grant that `user` was offered by `grantor`.
    fn answered_grant(&mut self, user: i64, grantor: Option<i64>) {
        let Some(grantor) = grantor else { return };
        let wallet = self.look::<User>(user).row().and_then(|user| user.wallet.clone());
        if let Some(wallet) = wallet {
            self.rows::<Grant>(GrantBy::GranteeLc, (wallet.to_lowercase(), grantor));
        }
    }

    fn email(&mut self, data: Option<&Object>) {
        let Some(owner) = id(data, "email_owner_user_id") else { return };
        self.row::<EncryptedEmail>(owner);
        let grants = data.and_then(|data| data.get("access_grants")).and_then(Json::as_list);
        for grant in grants.unwrap_or_default() {
            let grant = grant.as_object();
            let Some(grantor) = id(grant, "grantor_user_id") else { continue };
            self.rows::<EmailAccess>(EmailAccessBy::OwnerReceiver, (owner, grantor));
            if let Some(receiver) = id(grant, "receiving_user_id") {
                self.row::<EmailAccess>((owner, receiver, grantor));
            }
        }
    }
}
