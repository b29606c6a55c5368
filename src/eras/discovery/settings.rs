//! What handlers need to know besides the chain and the store.

use super::Derive;
use crate::model::Timestamp;

/// Settings of an index run that change what handlers write.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Address that may verify users and post announcements, compared without case.
    pub verifier_address: String,
    /// Followers of muters or reporters from which a user counts as shadow-banned.
    pub comment_karma_threshold: i64,
    /// The database's clock when the run began; production's contest trigger reads it.
    pub database_now: Timestamp,
    /// A fixed clock in place of block time, for replaying recordings.
    pub clock: Option<Timestamp>,
    /// Wallet signatures taken as valid whatever they sign, as recordings with a stubbed check did.
    pub accepted_wallet_signatures: Vec<String>,
    /// The database keeps Ethereum's linked wallets in lower case.
    pub lowers_eth_wallets: bool,
    /// Who keeps the aggregates, milestones and trigger-made notifications in step. Follower counts
    /// are followed in memory in any case.
    pub derive: Derive,
}
