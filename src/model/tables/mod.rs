//! The tables the indexer keeps in memory, one file per family.

mod activity;
mod aggregates;
mod chain;
mod comments;
mod current;
mod playlists;
mod social;
mod tracks;
mod users;
mod versions;

use std::sync::LazyLock;

use super::{table::TableDef, value::ColumnType};

pub use activity::*;
pub use aggregates::*;
pub use chain::*;
pub use comments::*;
pub use current::*;
pub use playlists::*;
pub use social::*;
pub use tracks::*;
pub use users::*;
pub use versions::*;

const ENUM_ETL_PROOF_STATUS: ColumnType =
    ColumnType::Enum("etl_proof_status", &["unresolved", "pass", "fail"]);
const ENUM_EVENT_ENTITY_TYPE: ColumnType =
    ColumnType::Enum("event_entity_type", &["track", "collection", "user"]);
const ENUM_EVENT_TYPE: ColumnType =
    ColumnType::Enum("event_type", &["remix_contest", "live_event", "new_release"]);
const ENUM_PARENTAL_WARNING_TYPE: ColumnType = ColumnType::Enum(
    "parental_warning_type",
    &["explicit", "explicit_content_edited", "not_explicit", "no_advice_available"],
);
const ENUM_PROFILE_TYPE_ENUM: ColumnType = ColumnType::Enum("profile_type_enum", &["label"]);
const ENUM_REPOSTTYPE: ColumnType = ColumnType::Enum("reposttype", &["track", "playlist", "album"]);
const ENUM_SAVETYPE: ColumnType = ColumnType::Enum("savetype", &["track", "playlist", "album"]);
const ENUM_SHARETYPE: ColumnType = ColumnType::Enum("sharetype", &["track", "playlist"]);
const ENUM_USDC_PURCHASE_ACCESS_TYPE: ColumnType =
    ColumnType::Enum("usdc_purchase_access_type", &["stream", "download"]);
const ENUM_USDC_PURCHASE_CONTENT_TYPE: ColumnType =
    ColumnType::Enum("usdc_purchase_content_type", &["track", "playlist", "album"]);
const ENUM_WALLET_CHAIN: ColumnType = ColumnType::Enum("wallet_chain", &["eth", "sol"]);

macro_rules! tables {
    ($($id:ident => $row:ident),+ $(,)?) => {
        /// The tables, in the order in which the writer stores them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum TableId { $(
            #[doc = concat!("Rows of [`", stringify!($row), "`].")]
            $id,
        )+ }

        impl TableId {
            /// Every table.
            pub const ALL: &'static [Self] = &[$(Self::$id),+];

            /// The table's definition.
            pub fn def(self) -> &'static TableDef {
                static DEFS: LazyLock<Vec<TableDef>> =
                    LazyLock::new(|| TableDef::resolve_all(&[$(&$row::SOURCE),+]));
                &DEFS[self as usize]
            }

            /// The tables whose rows are those of the PostgreSQL table `name`.
            pub fn of_name(name: &str) -> impl Iterator<Item = Self> {
                Self::ALL.iter().copied().filter(move |id| id.def().name == name)
            }
        }
    };
}

tables! {
    Users => User,
    PastUsers => PastUser,
    UserEvents => UserEvent,
    PastUserEvents => PastUserEvent,
    UserPubkeys => UserPubkey,
    UserPayoutWalletHistory => UserPayoutWallet,
    MutedUsers => MutedUser,
    AssociatedWallets => AssociatedWallet,
    PastAssociatedWallets => PastAssociatedWallet,
    Collectibles => Collectibles,
    DashboardWalletUsers => DashboardWalletUser,
    DeveloperApps => DeveloperApp,
    Grants => Grant,
    EncryptedEmails => EncryptedEmail,
    EmailAccess => EmailAccess,
    Tracks => Track,
    TrackCollaborators => TrackCollaborator,
    TrackRoutes => TrackRoute,
    Stems => Stem,
    Remixes => Remix,
    TrackPriceHistory => TrackPrice,
    TrackDownloads => TrackDownload,
    Playlists => Playlist,
    PlaylistRoutes => PlaylistRoute,
    PlaylistTracks => PlaylistTrack,
    AlbumPriceHistory => AlbumPrice,
    PlaylistSeen => PlaylistSeen,
    PlaylistViews => PlaylistView,
    Follows => Follow,
    Subscriptions => Subscription,
    Saves => Save,
    Reposts => Repost,
    Shares => Share,
    Comments => Comment,
    CommentMentions => CommentMention,
    CommentThreads => CommentThread,
    CommentReactions => CommentReaction,
    CommentReports => CommentReport,
    CommentNotificationSettings => CommentNotificationSetting,
    Notifications => Notification,
    NotificationSeen => NotificationSeen,
    Events => Event,
    Reactions => Reaction,
    UserTips => UserTip,
    UsdcPurchases => UsdcPurchase,
    AggregateUserTips => AggregateUserTip,
    AggregateUsers => AggregateUser,
    AggregateTracks => AggregateTrack,
    AggregatePlaylists => AggregatePlaylist,
    AggregatePlays => AggregatePlays,
    AggregateMonthlyPlays => AggregateMonthlyPlays,
    DistinctPlayHours => DistinctPlayHours,
    DistinctPlayTracks => DistinctPlayTracks,
    PlayedTracks => PlayedTrack,
    Milestones => Milestone,
    Validators => Validator,
    StorageProofs => StorageProofRow,
    Addresses => Address,
    ChainBlocks => ChainBlock,
    AppVersions => AppVersion,
    GrantVersions => GrantVersion,
    OauthRedirectUris => OauthRedirectUri,
    CurrentFollows => CurrentFollow,
    CurrentSubscriptions => CurrentSubscription,
    ShareVersions => ShareVersion,
    PlaylistVersions => PlaylistVersion,
    TrackVersions => TrackVersion,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_resolves_and_knows_its_own_id() {
        for id in TableId::ALL {
            assert_eq!(id.def().id, *id);
            assert!(!id.def().key.is_empty());
        }
    }
}
