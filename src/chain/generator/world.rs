//! What the generator remembers of the chain it has made, so that most calls are valid. Every list
//! is bounded: of a long chain the newest part is remembered.

use serde_json::{Value, json};
use std::borrow::Cow;

use super::facts::Facts;
use super::random::Random;
use super::wallet::Key;

/// First ids of each kind that anybody may create.
const FIRST_USER: i64 = 3_000_000;
const FIRST_TRACK: i64 = 2_000_000;
const FIRST_PLAYLIST: i64 = 400_000;
const FIRST_COMMENT: i64 = 4_000_001;

/// The address that production lets verify users and send announcements; nobody has its key here.
pub(super) const VERIFIER: &str = "0xbeef8E42e8B5964fDD2b7ca8efA0d9aef38AA996";

/// Most entries of a list; a few hundred bytes each at most.
const MAIN_CAPACITY: usize = 30_000;
const SIDE_CAPACITY: usize = 4_000;

/// How often something is looked for by chance.
const TRIES: usize = 12;

/// Lists in a [`World`].
const POOLS: usize = 18;

/// An entity call before it is wrapped into a transaction.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) user_id: i64,
    pub(super) entity_type: Cow<'static, str>,
    pub(super) entity_id: i64,
    pub(super) action: Cow<'static, str>,
    pub(super) metadata: String,
    /// Address as the chain gives it.
    pub(super) signer: String,
    /// The signer's key, where it has one.
    pub(super) key: Option<Key>,
    /// It belongs to the genesis of a chain: a transaction of another kind.
    pub(super) migrated: bool,
}

impl Call {
    /// A call of `account`, signed by its own wallet.
    pub(super) fn by(
        account: Account,
        (entity_type, action): (&'static str, &'static str),
        entity_id: i64,
        metadata: impl Into<String>,
    ) -> Self {
        Self {
            user_id: account.id,
            entity_type: entity_type.into(),
            entity_id,
            action: action.into(),
            metadata: metadata.into(),
            signer: account.key.text(),
            key: Some(account.key),
            migrated: false,
        }
    }

    /// The same call signed by `key`.
    pub(super) fn signed_by(mut self, key: Key) -> Self {
        self.signer = key.text();
        self.key = Some(key);
        self
    }

    /// The same call signed by the verifier.
    pub(super) fn signed_by_verifier(mut self) -> Self {
        VERIFIER.clone_into(&mut self.signer);
        self.key = None;
        self
    }
}

/// A user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) id: i64,
    pub(super) key: Key,
    /// Whether it was created with a handle; without one it can't own tracks.
    pub(super) named: bool,
}

/// A track, a playlist or an album.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) id: i64,
    pub(super) owner: Account,
    /// Behind a gate: no remix parent.
    pub(super) gated: bool,
    /// A remix (no contest on it), or an album.
    pub(super) special: bool,
}

/// A comment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment {
    pub(super) id: i64,
    pub(super) author: Account,
    pub(super) track: Work,
}

/// An event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) id: i64,
    pub(super) host: Account,
    /// The track that it is about.
    pub(super) track: i64,
    /// End, in seconds since the epoch.
    pub(super) end: i64,
}

/// A developer app.
#[derive(Clone, Copy, Debug)]
pub(super) struct App {
    pub(super) key: Key,
    pub(super) owner: Account,
}

/// A grant from a user to an app or to another user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant {
    pub(super) grantor: Account,
    pub(super) grantee: Key,
    /// The user that the grantee is, if it is no app.
    pub(super) manager: Option<Account>,
    /// Whether the grantee may sign: apps at once, managers once approved.
    pub(super) usable: bool,
}

/// A relation between a user and something, by id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relation {
    pub(super) account: Account,
    pub(super) entity_type: &'static str,
    pub(super) id: i64,
}

/// A wallet linked to a user: associated or for the dashboard.
#[derive(Clone, Debug)]
pub(super) struct Linked {
    pub(super) account: Account,
    pub(super) address: String,
    pub(super) chain: &'static str,
    pub(super) key: Option<Key>,
}

/// An email and one user who can read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Email {
    pub(super) owner: Account,
    pub(super) reader: Account,
}

/// A bounded list. What is added in a block is mostly used from the next block on, because the
/// reference does not see everything of the block it works on.
#[derive(Clone, Debug)]
pub(super) struct Pool<T> {
    settled: Vec<T>,
    fresh: Vec<T>,
    capacity: usize,
    oldest: usize,
}

impl<T: Clone> Pool<T> {
    const fn new(capacity: usize) -> Self {
        Self { settled: Vec::new(), fresh: Vec::new(), capacity, oldest: 0 }
    }

    pub(super) fn add(&mut self, item: T) {
        self.fresh.push(item);
    }

    /// An entry of an earlier block. Half of the picks fall on the popular few.
    pub(super) fn pick_settled(&self, random: &mut Random) -> Option<T> {
        let length = self.settled.len();
        if length == 0 {
            return None;
        }
        let mut index = random.index(length);
        if random.chance(500) {
            index = index * random.index(length) / length;
        }
        Some(self.settled[index].clone())
    }

    /// An entry, one of this block now and then.
    pub(super) fn pick(&self, random: &mut Random) -> Option<T> {
        if !self.fresh.is_empty() && random.chance(60) {
            return Some(self.fresh[random.index(self.fresh.len())].clone());
        }
        self.pick_settled(random)
    }

    /// An entry of an earlier block, which is forgotten.
    pub(super) fn take(&mut self, random: &mut Random) -> Option<T> {
        self.take_if(random, |_| true)
    }

    /// The same of those that are `wanted`, if one is found by chance.
    pub(super) fn take_if(
        &mut self,
        random: &mut Random,
        wanted: impl Fn(&T) -> bool,
    ) -> Option<T> {
        if self.settled.is_empty() {
            return None;
        }
        let mut indexes = (0..TRIES).map(|_| random.index(self.settled.len()));
        let index = indexes.find(|index| wanted(&self.settled[*index]))?;
        self.oldest = 0;
        Some(self.settled.swap_remove(index))
    }
}

/// A pool as far as blocks are concerned.
trait BlockList {
    /// Makes what was added usable; above the capacity the oldest entries go.
    fn settle(&mut self);

    fn fresh_len(&self) -> usize;

    fn truncate(&mut self, length: usize);
}

impl<T: Clone> BlockList for Pool<T> {
    fn settle(&mut self) {
        for item in self.fresh.drain(..) {
            if self.settled.len() < self.capacity {
                self.settled.push(item);
            } else {
                self.settled[self.oldest] = item;
                self.oldest = (self.oldest + 1) % self.capacity;
            }
        }
    }

    fn fresh_len(&self) -> usize {
        self.fresh.len()
    }

    fn truncate(&mut self, length: usize) {
        self.fresh.truncate(length);
    }
}

/// The chain so far.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) random: Random,
    /// Time of the block being made, in whole seconds since the epoch.
    pub(super) now: i64,
    pub(super) users: Pool<Account>,
    pub(super) tracks: Pool<Work>,
    pub(super) playlists: Pool<Work>,
    pub(super) comments: Pool<Comment>,
    pub(super) events: Pool<Event>,
    pub(super) apps: Pool<App>,
    pub(super) grants: Pool<Grant>,
    pub(super) follows: Pool<Relation>,
    pub(super) saves: Pool<Relation>,
    pub(super) reposts: Pool<Relation>,
    pub(super) subscriptions: Pool<Relation>,
    pub(super) mutes: Pool<Relation>,
    pub(super) reactions: Pool<Relation>,
    pub(super) pins: Pool<Comment>,
    pub(super) wallets: Pool<Linked>,
    pub(super) dashboards: Pool<Linked>,
    pub(super) emails: Pool<Email>,
    /// Invitations to collaborate on a track, by the track.
    pub(super) invites: Pool<Relation>,
    /// What holds between users and things, beyond what the lists remember.
    pub(super) facts: Facts,
    seed: u64,
    keys: u64,
    next_user: i64,
    next_track: i64,
    next_playlist: i64,
    next_comment: i64,
    next_event: i64,
}

impl World {
    pub(super) const fn new(seed: u64, random: Random) -> Self {
        Self {
            random,
            now: 0,
            users: Pool::new(MAIN_CAPACITY),
            tracks: Pool::new(MAIN_CAPACITY),
            playlists: Pool::new(MAIN_CAPACITY),
            comments: Pool::new(SIDE_CAPACITY),
            events: Pool::new(SIDE_CAPACITY),
            apps: Pool::new(SIDE_CAPACITY),
            grants: Pool::new(SIDE_CAPACITY),
            follows: Pool::new(MAIN_CAPACITY),
            saves: Pool::new(MAIN_CAPACITY),
            reposts: Pool::new(SIDE_CAPACITY),
            subscriptions: Pool::new(SIDE_CAPACITY),
            mutes: Pool::new(SIDE_CAPACITY),
            reactions: Pool::new(SIDE_CAPACITY),
            pins: Pool::new(SIDE_CAPACITY),
            wallets: Pool::new(SIDE_CAPACITY),
            dashboards: Pool::new(SIDE_CAPACITY),
            emails: Pool::new(SIDE_CAPACITY),
            invites: Pool::new(SIDE_CAPACITY),
            facts: Facts::new(),
            seed,
            keys: 0,
            next_user: FIRST_USER,
            next_track: FIRST_TRACK,
            next_playlist: FIRST_PLAYLIST,
            next_comment: FIRST_COMMENT,
            next_event: 1,
        }
    }

    /// Ends a block.
    pub(super) fn settle(&mut self) {
        self.facts.mark();
        for pool in self.pools() {
            pool.settle();
        }
    }

    /// How much this block has added so far.
    pub(super) fn marks(&mut self) -> [usize; POOLS] {
        self.facts.mark();
        self.pools().map(|pool| pool.fresh_len())
    }

    /// Forgets what was added since `marks` were taken.
    pub(super) fn forget(&mut self, marks: [usize; POOLS]) {
        self.facts.forget();
        for (pool, mark) in self.pools().into_iter().zip(marks) {
            pool.truncate(mark);
        }
    }

    fn pools(&mut self) -> [&mut dyn BlockList; POOLS] {
        [
            &mut self.users,
            &mut self.tracks,
            &mut self.playlists,
            &mut self.comments,
            &mut self.events,
            &mut self.apps,
            &mut self.grants,
            &mut self.follows,
            &mut self.saves,
            &mut self.reposts,
            &mut self.subscriptions,
            &mut self.mutes,
            &mut self.reactions,
            &mut self.pins,
            &mut self.wallets,
            &mut self.dashboards,
            &mut self.emails,
            &mut self.invites,
        ]
    }

    pub(super) fn new_key(&mut self) -> Key {
        self.keys += 1;
        Key::new(self.seed, self.keys)
    }

    pub(super) fn new_user_id(&mut self) -> i64 {
        take_next(&mut self.next_user)
    }

    pub(super) fn new_track_id(&mut self) -> i64 {
        take_next(&mut self.next_track)
    }

    pub(super) fn new_playlist_id(&mut self) -> i64 {
        take_next(&mut self.next_playlist)
    }

    pub(super) fn new_comment_id(&mut self) -> i64 {
        take_next(&mut self.next_comment)
    }

    pub(super) fn new_event_id(&mut self) -> i64 {
        take_next(&mut self.next_event)
    }

    /// A user of an earlier block.
    pub(super) fn user(&mut self) -> Option<Account> {
        self.users.pick_settled(&mut self.random)
    }

    /// A user with a handle.
    pub(super) fn artist(&mut self) -> Option<Account> {
        self.user().filter(|account| account.named)
    }

    pub(super) fn track(&mut self) -> Option<Work> {
        self.tracks.pick(&mut self.random)
    }

    pub(super) fn playlist(&mut self) -> Option<Work> {
        self.playlists.pick(&mut self.random)
    }

    /// `call`, or now and then the same act in the name of a user who granted somebody else the
    /// right to sign.
    pub(super) fn delegated(&mut self, call: Call) -> Call {
        if !self.random.chance(25) {
            return call;
        }
        let grant = self.grants.pick_settled(&mut self.random).filter(|grant| grant.usable);
        match grant {
            Some(grant) => Call { user_id: grant.grantor.id, ..call }.signed_by(grant.grantee),
            None => call,
        }
    }

    /// A user of an earlier block and the key that signs for it: its own, or now and then that of
    /// somebody with a grant.
    pub(super) fn actor(&mut self) -> Option<(Account, Key)> {
        if self.random.chance(25) {
            let grant = self.grants.pick_settled(&mut self.random).filter(|grant| grant.usable);
            if let Some(grant) = grant {
                return Some((grant.grantor, grant.grantee));
            }
        }
        self.user().map(|account| (account, account.key))
    }

    /// `data` in the envelope that most calls carry.
    pub(super) fn envelope(&mut self, data: &Value) -> String {
        let cid = if self.random.chance(550) { self.random.old_cid() } else { String::new() };
        json!({ "cid": cid, "data": data }).to_string()
    }
}

fn take_next(next: &mut i64) -> i64 {
    *next += 1;
    *next - 1
}
