//! Users and what belongs to one user's account.

use std::sync::Arc;

use crate::model::{
    Json, Timestamp,
    table::{ColumnDefault, LookupPart, record},
    tables::{ENUM_PROFILE_TYPE_ENUM, ENUM_WALLET_CHAIN},
    value::ColumnType,
};

record! {
    /// The current row of a user.
    User in "users", id Users, key [user_id],
    current_only true, archived true,
    by UserBy {
        /// Users by lower-cased wallet.
        WalletLc [LookupPart::Lower("wallet")],
        /// Users by lower-cased handle.
        HandleLc [LookupPart::Column("handle_lc")],
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        user_id: i64 => ColumnType::Int4;
        is_current: bool => ColumnType::Bool;
        handle: Option<String> => ColumnType::Text;
        wallet: Option<String> => ColumnType::Text;
        name: Option<String> => ColumnType::Text;
        profile_picture: Option<String> => ColumnType::Text;
        cover_photo: Option<String> => ColumnType::Text;
        bio: Option<String> => ColumnType::Text;
        location: Option<String> => ColumnType::Text;
        metadata_multihash: Option<String> => ColumnType::Text;
        creator_node_endpoint: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        is_verified: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
        handle_lc: Option<String> => ColumnType::Text;
        cover_photo_sizes: Option<String> => ColumnType::Text;
        profile_picture_sizes: Option<String> => ColumnType::Text;
        primary_id: Option<i64> => ColumnType::Int4;
        secondary_ids: Option<Vec<i64>> => ColumnType::Int4Array;
        replica_set_update_signer: Option<String> => ColumnType::Text;
        has_collectibles: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        txhash: String => ColumnType::Text;
        playlist_library: Option<Arc<Json>> => ColumnType::Jsonb;
        is_deactivated: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        slot: Option<i64> => ColumnType::Int4;
        user_storage_account: Option<String> => ColumnType::Text;
        user_authority_account: Option<String> => ColumnType::Text;
        artist_pick_track_id: Option<i64> => ColumnType::Int4;
        is_available: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(true);
        is_storage_v2: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        allow_ai_attribution: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        spl_usdc_payout_wallet: Option<String> => ColumnType::Text;
        twitter_handle: Option<String> => ColumnType::Text;
        instagram_handle: Option<String> => ColumnType::Text;
        tiktok_handle: Option<String> => ColumnType::Text;
        verified_with_twitter: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        verified_with_instagram: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        verified_with_tiktok: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        website: Option<String> => ColumnType::Text;
        donation: Option<String> => ColumnType::Text;
        profile_type: Option<String> => ENUM_PROFILE_TYPE_ENUM;
        coin_flair_mint: Option<String> => ColumnType::Text;
        last_active_at: Option<Timestamp> => ColumnType::TimestampTz;
    }
}

record! {
    /// What a version of a user that is no longer current keeps from others: its wallet. Never
    /// written.
    PastUser in "users", id PastUsers, key [user_id, txhash],
    past_only true, archived false,
    by PastUserBy {
        /// By lower-cased wallet.
        WalletLc [LookupPart::Lower("wallet")],
    }
    {
        user_id: i64 => ColumnType::Int4;
        is_current: bool => ColumnType::Bool;
        wallet: Option<String> => ColumnType::Text;
        txhash: String => ColumnType::Text;
    }
}

record! {
    /// A user's referrer and whether a mobile client was seen.
    UserEvent in "user_events", id UserEvents, key [user_id],
    current_only true, archived true,
    by UserEventBy {
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        is_current: bool => ColumnType::Bool;
        user_id: i64 => ColumnType::Int4;
        referrer: Option<i64> => ColumnType::Int4;
        is_mobile_user: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        slot: Option<i64> => ColumnType::Int4;
    }
}

record! {
    /// A row of a user's events that later ones replaced.
    PastUserEvent in "user_events", id PastUserEvents, key [user_id],
    past_only true, archived false,
    by PastUserEventBy {
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        is_current: bool => ColumnType::Bool;
        user_id: i64 => ColumnType::Int4;
        referrer: Option<i64> => ColumnType::Int4;
        is_mobile_user: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        slot: Option<i64> => ColumnType::Int4;
    }
}

impl From<UserEvent> for PastUserEvent {
    fn from(row: UserEvent) -> Self {
        let UserEvent {
            blockhash,
            blocknumber,
            is_current,
            user_id,
            referrer,
            is_mobile_user,
            slot,
        } = row;
        Self { blockhash, blocknumber, is_current, user_id, referrer, is_mobile_user, slot }
    }
}

record! {
    /// The public key that a user signed up with.
    UserPubkey in "user_pubkeys", id UserPubkeys, key [user_id],
    current_only false, archived false,
    by UserPubkeyBy {
    }
    {
        user_id: i64 => ColumnType::Int4;
        pubkey_base64: String => ColumnType::Text;
    }
}

record! {
    /// One change of a payout wallet.
    UserPayoutWallet in "user_payout_wallet_history", id UserPayoutWalletHistory, key [user_id, block_timestamp],
    current_only false, archived false,
    by UserPayoutWalletBy {
        /// All entries of a user, the latest one last.
        User [LookupPart::Column("user_id")] ranked block_timestamp,
    }
    {
        user_id: i64 => ColumnType::Int4;
        spl_usdc_payout_wallet: Option<String> => ColumnType::Text;
        blocknumber: i64 => ColumnType::Int4;
        block_timestamp: Timestamp => ColumnType::Timestamp;
        created_at: Timestamp => ColumnType::Timestamp;
    }
}

record! {
    /// A user muted by another.
    MutedUser in "muted_users", id MutedUsers, key [user_id, muted_user_id],
    current_only false, archived true,
    by MutedUserBy {
        /// Everybody who muted a user.
        Muted [LookupPart::Column("muted_user_id")],
    }
    {
        muted_user_id: i64 => ColumnType::Int4;
        user_id: i64 => ColumnType::Int4;
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
        is_delete: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        txhash: String => ColumnType::Text;
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
    }
}

record! {
    /// A wallet a user proved to own.
    AssociatedWallet in "associated_wallets", id AssociatedWallets, key [user_id, wallet, chain],
    current_only true, archived false,
    by AssociatedWalletBy {
        /// All claims of a wallet.
        Wallet [LookupPart::Column("wallet")],
    }
    {
        user_id: i64 => ColumnType::Int4;
        wallet: String => ColumnType::Text;
        blockhash: String => ColumnType::Text;
        blocknumber: i64 => ColumnType::Int4;
        is_current: bool => ColumnType::Bool;
        is_delete: bool => ColumnType::Bool;
        chain: String => ENUM_WALLET_CHAIN;
        created_at: Option<Timestamp> => ColumnType::Timestamp;
        updated_at: Option<Timestamp> => ColumnType::Timestamp;
    }
}

record! {
    /// A claim of a wallet that was given up, or that another user or a later claim replaced.
    PastAssociatedWallet in "associated_wallets", id PastAssociatedWallets,
    key [user_id, wallet, chain],
    past_only true, archived false,
    by PastAssociatedWalletBy {
        /// Past claims of one user to one wallet.
        Claim [
            LookupPart::Column("user_id"), LookupPart::Column("wallet"), LookupPart::Column("chain")
        ],
    }
    {
        user_id: i64 => ColumnType::Int4;
        wallet: String => ColumnType::Text;
        blockhash: String => ColumnType::Text;
        blocknumber: i64 => ColumnType::Int4;
        is_current: bool => ColumnType::Bool;
        is_delete: bool => ColumnType::Bool;
        chain: String => ENUM_WALLET_CHAIN;
        created_at: Option<Timestamp> => ColumnType::Timestamp;
        updated_at: Option<Timestamp> => ColumnType::Timestamp;
    }
}

impl From<AssociatedWallet> for PastAssociatedWallet {
    fn from(row: AssociatedWallet) -> Self {
        Self {
            user_id: row.user_id,
            wallet: row.wallet,
            blockhash: row.blockhash,
            blocknumber: row.blocknumber,
            is_current: row.is_current,
            is_delete: row.is_delete,
            chain: row.chain,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

record! {
    /// A user's collectibles document.
    Collectibles in "collectibles", id Collectibles, key [user_id],
    current_only false, archived true,
    by CollectiblesBy {
    }
    {
        user_id: i64 => ColumnType::Int4;
        data: Arc<Json> => ColumnType::Jsonb;
        blockhash: String => ColumnType::Text;
        blocknumber: i64 => ColumnType::Int4;
        created_at: Option<Timestamp> => ColumnType::TimestampTz;
        updated_at: Option<Timestamp> => ColumnType::TimestampTz;
    }
}

record! {
    /// A protocol dashboard wallet linked to a user.
    DashboardWalletUser in "dashboard_wallet_users", id DashboardWalletUsers, key [user_id, wallet],
    current_only false, archived true,
    by DashboardWalletUserBy {
        /// Links of a wallet, any case.
        WalletLc [LookupPart::Lower("wallet")],
    }
    {
        wallet: String => ColumnType::Text;
        user_id: i64 => ColumnType::Int4;
        is_delete: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        updated_at: Timestamp => ColumnType::Timestamp;
        created_at: Timestamp => ColumnType::Timestamp;
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        txhash: String => ColumnType::Text;
    }
}

record! {
    /// A developer app.
    DeveloperApp in "developer_apps", id DeveloperApps, key [address],
    current_only true, archived true,
    by DeveloperAppBy {
        /// Apps by lower-cased address.
        AddressLc [LookupPart::Lower("address")],
        /// A user's apps.
        User [LookupPart::Column("user_id")],
    }
    {
        address: String => ColumnType::Text;
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        user_id: Option<i64> => ColumnType::Int4;
        name: String => ColumnType::Text;
        is_personal_access: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        is_delete: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        created_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
        is_current: bool => ColumnType::Bool;
        updated_at: Timestamp => ColumnType::Timestamp;
        description: Option<String> => ColumnType::Text;
        image_url: Option<String> => ColumnType::Text;
    }
}

record! {
    /// The right of an app or a manager to act for a user.
    Grant in "grants", id Grants, key [grantee_address, user_id],
    current_only true, archived true,
    by GrantBy {
        /// Grants by lower-cased grantee and grantor.
        GranteeLc [LookupPart::Lower("grantee_address"), LookupPart::Column("user_id")],
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        grantee_address: String => ColumnType::Text;
        user_id: i64 => ColumnType::Int4;
        is_revoked: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        is_current: bool => ColumnType::Bool;
        is_approved: Option<bool> => ColumnType::Bool;
        updated_at: Timestamp => ColumnType::Timestamp;
        created_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
    }
}

record! {
    /// An encrypted e-mail address.
    EncryptedEmail in "encrypted_emails", id EncryptedEmails, key [email_owner_user_id],
    current_only false, archived false,
    by EncryptedEmailBy {
    }
    {
        email_owner_user_id: i64 => ColumnType::Int4;
        encrypted_email: String => ColumnType::Text;
        created_at: Option<Timestamp> => ColumnType::TimestampTz;
        updated_at: Option<Timestamp> => ColumnType::TimestampTz;
    }
}

record! {
    /// A key that lets a user read an encrypted e-mail address.
    EmailAccess in "email_access", id EmailAccess, key [email_owner_user_id, receiving_user_id, grantor_user_id],
    current_only false, archived false,
    by EmailAccessBy {
        /// Keys to an owner's address that a user holds.
        OwnerReceiver [LookupPart::Column("email_owner_user_id"), LookupPart::Column("receiving_user_id")],
        /// Keys that a user holds.
        Receiver [LookupPart::Column("receiving_user_id")],
    }
    {
        email_owner_user_id: i64 => ColumnType::Int4;
        receiving_user_id: i64 => ColumnType::Int4;
        grantor_user_id: i64 => ColumnType::Int4;
        encrypted_key: String => ColumnType::Text;
        created_at: Option<Timestamp> => ColumnType::TimestampTz;
        updated_at: Option<Timestamp> => ColumnType::TimestampTz;
        is_initial: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
    }
}
