//! Random operations on the store against a naive model of two maps and a stack of blocks.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{memory::MemoryDatabase, *};
use crate::model::tables::{PlaylistTrack, PlaylistTrackBy};

const TABLE: TableId = TableId::PlaylistTracks;

fn row(playlist_id: i64, track_id: i64, is_removed: bool) -> PlaylistTrack {
    let at = crate::model::Timestamp::from_seconds(1);
    PlaylistTrack { playlist_id, track_id, is_removed, created_at: at, updated_at: at }
}

type Rows = BTreeMap<(i64, i64), bool>;
/// Written rows and absences of one layer.
type Writes = BTreeMap<(i64, i64), Option<bool>>;

/// The naive store: everything is always there.
#[derive(Clone, Default)]
struct Naive {
    base: Rows,
    stored: Writes,
    view: Writes,
}

impl Naive {
    fn seen(&self, layer: Layer) -> Rows {
        let mut rows = self.base.clone();
        let layers: &[&Writes] = match layer {
            Layer::Stored => &[&self.stored],
            Layer::View => &[&self.stored, &self.view],
        };
        for writes in layers {
            for (key, row) in *writes {
                match row {
                    Some(row) => rows.insert(*key, *row),
                    None => rows.remove(key),
                };
            }
        }
        rows
    }

    fn fold(&mut self) {
        self.base = self.seen(Layer::View);
        self.stored.clear();
        self.view.clear();
    }
}

#[derive(Clone, Debug)]
enum Op {
    Write {
        view: bool,
        key: (i64, i64),
        row: Option<bool>,
    },
    /// Undo the last few writes of the block, as for a poisoned call.
    RollBack,
    EndBlock,
    UndoBlock,
    Commit,
    Evict {
        keep_loaded: bool,
        bytes: usize,
    },
    BeginGeneration,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let key = (0..3i64, 0..4i64);
    let op = prop_oneof![
        6 => (any::<bool>(), key, any::<Option<bool>>())
            .prop_map(|(view, key, row)| Op::Write { view, key, row }),
        1 => Just(Op::RollBack),
        3 => Just(Op::EndBlock),
        1 => Just(Op::UndoBlock),
        1 => Just(Op::Commit),
        1 => (any::<bool>(), 0..2_000usize)
            .prop_map(|(keep_loaded, bytes)| Op::Evict { keep_loaded, bytes }),
        1 => Just(Op::BeginGeneration),
    ];
    proptest::collection::vec(op, 1..60)
}

/// The store under test with a database behind it, and what the model says it holds.
struct Bench {
    store: Store,
    database: MemoryDatabase,
    naive: Naive,
    /// The model before each block that is folded, and the block's changes, since the last commit.
    blocks: Vec<(Naive, Vec<Change>)>,
    checkpoint: u64,
    committed: u64,
    /// Store mark and model at the start of the call at hand.
    call: Option<(Mark, Naive)>,
}

impl Bench {
    fn new(seed: &Rows) -> Self {
        let mut database = MemoryDatabase::default();
        for ((playlist, track), removed) in seed {
            database.insert(row_of(row(*playlist, *track, *removed)));
        }
        Self {
            store: Store::default(),
            database,
            naive: Naive { base: seed.clone(), ..Naive::default() },
            blocks: Vec::new(),
            checkpoint: 0,
            committed: 0,
            call: None,
        }
    }

    /// Runs `read` until nothing is missing.
    fn settled<T>(&mut self, mut read: impl FnMut(&mut Store) -> Result<T, Miss>) -> T {
        for _ in 0..10 {
            if let Ok(found) = read(&mut self.store) {
                return found;
            }
            self.database.answer(&mut self.store);
        }
        panic!("the store keeps missing rows that were loaded");
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Write { view, key, row: value } => {
                let layer = if *view { Layer::View } else { Layer::Stored };
                let record = value.map(|removed| row_of(row(key.0, key.1, removed)));
                let at = Key::from(*key);
                self.call.get_or_insert((self.store.mark(), self.naive.clone()));
                self.settled(|store| store.write(TABLE, layer, at.clone(), record.clone()));
                let writes = if *view { &mut self.naive.view } else { &mut self.naive.stored };
                writes.insert(*key, *value);
            }
            Op::RollBack => {
                if let Some((mark, naive)) = self.call.take() {
                    self.store.rollback(mark);
                    self.naive = naive;
                }
            }
            Op::EndBlock => {
                self.call = None;
                self.checkpoint += 1;
                let before = Naive { base: self.naive.base.clone(), ..Naive::default() };
                let changes = self.store.fold(self.checkpoint);
                self.naive.fold();
                self.blocks.push((before, changes));
            }
            Op::UndoBlock => {
                self.call = None;
                self.store.abandon_block();
                self.naive.stored.clear();
                self.naive.view.clear();
                if let Some((before, changes)) = self.blocks.pop() {
                    self.store.undo(&changes);
                    self.naive = before;
                }
            }
            Op::Commit => {
                for (_, changes) in self.blocks.drain(..) {
                    self.database.apply(&changes);
                }
                self.committed = self.checkpoint;
            }
            Op::BeginGeneration => self.store.begin_generation(),
            Op::Evict { keep_loaded, bytes } => {
                // Between batches only: no block is open.
                if self.naive.view.is_empty() && self.naive.stored.is_empty() {
                    self.store.evict(evictable(self.committed, *keep_loaded), *bytes);
                }
            }
        }
    }

    fn check(&mut self) {
        for layer in [Layer::View, Layer::Stored] {
            let expected = self.naive.seen(layer);
            for playlist in 0..3i64 {
                for track in 0..4i64 {
                    let key = Key::from((playlist, track));
                    let found = self.settled(|store| store.get(TABLE, layer, &key));
                    assert_eq!(removed(found.as_ref()), expected.get(&(playlist, track)).copied());
                }
                let by = PlaylistTrackBy::Playlist.into();
                let key = Key::from(playlist);
                let rows = self.settled(|store| store.find(TABLE, layer, by, &key));
                let found: Vec<_> = rows.iter().map(|row| removed(Some(row))).collect();
                let wanted: Vec<_> = expected
                    .range((playlist, i64::MIN)..=(playlist, i64::MAX))
                    .map(|(_, removed)| Some(*removed))
                    .collect();
                assert_eq!(found, wanted, "playlist {playlist} through {layer:?}");
            }
        }
    }
}

fn removed(row: Option<&Row>) -> Option<bool> {
    row.and_then(crate::model::table::downcast::<PlaylistTrack>).map(|row| row.is_removed)
}

fn evictable(committed: u64, keep_loaded: bool) -> Evictable {
    Evictable { committed, keep_loaded, min_age: 0 }
}

fn seeds() -> impl Strategy<Value = Rows> {
    proptest::collection::btree_map((0..3i64, 0..4i64), any::<bool>(), 0..6)
}

proptest! {
    #[test]
    fn reads_agree_with_a_naive_model_after_every_operation(seed in seeds(), ops in ops()) {
        let mut bench = Bench::new(&seed);
        for op in &ops {
            bench.run(op);
            bench.check();
        }
    }

    #[test]
    fn undoing_the_last_blocks_and_applying_them_again_changes_nothing(
        seed in seeds(),
        blocks in proptest::collection::vec(
            proptest::collection::vec(((0..3i64, 0..4i64), any::<Option<bool>>()), 0..6),
            1..12,
        ),
        back in 0..12usize,
    ) {
        let mut bench = Bench::new(&seed);
        let apply = |bench: &mut Bench, block: &Vec<((i64, i64), Option<bool>)>| {
            for (key, row) in block {
                bench.run(&Op::Write { view: true, key: *key, row: *row });
            }
            bench.run(&Op::EndBlock);
        };
        for block in &blocks {
            apply(&mut bench, block);
        }
        let expected = bench.naive.base.clone();
        let back = back.min(blocks.len());
        for _ in 0..back {
            bench.run(&Op::UndoBlock);
        }
        bench.check();
        for block in &blocks[blocks.len() - back..] {
            apply(&mut bench, block);
        }
        bench.check();
        prop_assert_eq!(&bench.naive.base, &expected);
        bench.run(&Op::Commit);
        let stored: Vec<_> =
            bench.database.table(TABLE).map(|row| removed(Some(row))).collect();
        prop_assert_eq!(stored, expected.values().map(|row| Some(*row)).collect::<Vec<_>>());
    }
}

#[test]
fn a_key_that_was_never_loaded_is_a_miss_and_is_asked_for_once() {
    let mut store = Store::default();
    let key = Key::from((1, 2));
    assert_eq!(store.get(TABLE, Layer::View, &key).unwrap_err(), Miss);
    assert_eq!(store.get(TABLE, Layer::Stored, &key).unwrap_err(), Miss);
    let requests = store.take_missing();
    assert_eq!(requests, [LoadRequest { table: TABLE, lookup: None, keys: vec![key.clone()] }]);
    store.absorb(&requests[0], Vec::new());
    assert!(store.get(TABLE, Layer::View, &key).unwrap().is_none());
    assert!(!store.has_missing());
}

#[test]
fn an_answer_that_arrives_late_does_not_overwrite_a_newer_row() {
    let mut store = Store::default();
    let request = LoadRequest { table: TABLE, lookup: None, keys: vec![Key::from((1, 2))] };
    store.absorb(&request, Vec::new());
    store.write(TABLE, Layer::View, Key::from((1, 2)), Some(row_of(row(1, 2, true)))).unwrap();
    store.fold(1);
    store.absorb(&request, vec![row_of(row(1, 2, false))]);
    let found = store.get(TABLE, Layer::View, &Key::from((1, 2))).unwrap();
    assert_eq!(removed(found.as_ref()), Some(true));
}

#[test]
fn eviction_spares_uncommitted_rows_and_on_demand_loaded_ones() {
    let mut store = Store::default();
    let keys = [Key::from((1, 1)), Key::from((1, 2)), Key::from((1, 3))];
    let request = LoadRequest { table: TABLE, lookup: None, keys: keys.to_vec() };
    store.absorb(&request, vec![row_of(row(1, 3, false))]);
    for (checkpoint, track) in [(1, 1), (2, 2)] {
        let record = Some(row_of(row(1, track, false)));
        store.write(TABLE, Layer::View, Key::from((1, track)), record).unwrap();
        store.fold(checkpoint);
    }
    assert_eq!(store.evict(evictable(1, true), 0), 1, "the committed row goes");
    assert!(store.get(TABLE, Layer::View, &keys[0]).is_err());
    assert!(store.get(TABLE, Layer::View, &keys[2]).unwrap().is_some(), "loaded, so spared");
    assert_eq!(store.evict(evictable(1, false), 0), 1, "the loaded row goes");
    assert!(store.get(TABLE, Layer::View, &keys[1]).unwrap().is_some(), "uncommitted, so kept");
}

#[test]
fn rows_that_were_not_used_for_longest_go_first_and_no_more_than_needed() {
    let mut store = Store::default();
    let keys: Vec<Key> = (0..8).map(|track| Key::from((1, track))).collect();
    let request = LoadRequest { table: TABLE, lookup: None, keys: keys.clone() };
    store.absorb(&request, (0..8).map(|track| row_of(row(1, track, false))).collect());
    let all = store.bytes();
    for key in &keys[..4] {
        store.begin_generation();
        assert!(store.get(TABLE, Layer::View, key).unwrap().is_some());
    }
    assert_eq!(store.evict(evictable(0, false), all), 0, "nothing has to go");
    let spared = Evictable { min_age: 5, ..evictable(0, false) };
    assert_eq!(store.evict(spared, 0), 0, "everything was used in the last five generations");
    assert_eq!(store.evict(evictable(0, false), all / 2), 4, "the four that nobody read go");
    assert_eq!(store.evict(evictable(0, false), store.bytes() - 1), 1, "then the one read first");
    let still: Vec<bool> =
        keys.iter().map(|key| store.get(TABLE, Layer::View, key).is_ok()).collect();
    assert_eq!(still, [false, true, true, true, false, false, false, false]);
}

/// What a batch does in the tests of guessing: reads that decide what is written.
#[derive(Clone, Debug)]
enum Act {
    /// Makes the row, or flips it.
    Flip(i64, i64),
    Delete(i64, i64),
    /// Writes how many rows a playlist has, as a row.
    Count(i64),
}

fn acts() -> impl Strategy<Value = Vec<Vec<Act>>> {
    let act = prop_oneof![
        (0..3i64, 0..4i64).prop_map(|(playlist, track)| Act::Flip(playlist, track)),
        (0..3i64, 0..4i64).prop_map(|(playlist, track)| Act::Delete(playlist, track)),
        (0..3i64).prop_map(Act::Count),
    ];
    proptest::collection::vec(proptest::collection::vec(act, 1..6), 1..10)
}

impl Act {
    fn on_model(&self, rows: &mut Rows) {
        match *self {
            Self::Flip(playlist, track) => {
                let flipped = rows.get(&(playlist, track)).is_some_and(|removed| !removed);
                rows.insert((playlist, track), flipped);
            }
            Self::Delete(playlist, track) => drop(rows.remove(&(playlist, track))),
            Self::Count(playlist) => {
                let count = rows.keys().filter(|key| key.0 == playlist).count();
                rows.insert((9, i64::try_from(count).unwrap()), true);
            }
        }
    }

    fn on_store(&self, store: &mut Store) {
        let write = |store: &mut Store, key: (i64, i64), value: Option<bool>| {
            let record = value.map(|removed| row_of(row(key.0, key.1, removed)));
            store.write(TABLE, Layer::View, Key::from(key), record).unwrap();
        };
        match *self {
            Self::Flip(playlist, track) => {
                let found = store.get(TABLE, Layer::View, &Key::from((playlist, track))).unwrap();
                let flipped = removed(found.as_ref()).is_some_and(|removed| !removed);
                write(store, (playlist, track), Some(flipped));
            }
            Self::Delete(playlist, track) => write(store, (playlist, track), None),
            Self::Count(playlist) => {
                let by = PlaylistTrackBy::Playlist.into();
                let rows = store.find(TABLE, Layer::View, by, &Key::from(playlist)).unwrap();
                write(store, (9, i64::try_from(rows.len()).unwrap()), Some(true));
            }
        }
    }
}

proptest! {
    #[test]
    fn batches_that_guess_end_as_batches_that_know(
        seed in seeds(),
        batches in acts(),
        commits in proptest::collection::vec(any::<bool>(), 10),
    ) {
        let mut model = seed.clone();
        let mut database = MemoryDatabase::default();
        for ((playlist, track), removed) in &seed {
            database.insert(row_of(row(*playlist, *track, *removed)));
        }
        let mut store = Store::default();
        store.guess_absent();
        let mut unwritten = Vec::new();
        for ((checkpoint, batch), commit) in (1..).zip(&batches).zip(commits) {
            batch.iter().for_each(|act| act.on_model(&mut model));
            let mut rounds = 0;
            let changes = loop {
                rounds += 1;
                prop_assert!(rounds < 10, "the store keeps guessing");
                batch.iter().for_each(|act| act.on_store(&mut store));
                let changes = store.fold(checkpoint);
                let requests = store.take_missing();
                let answers: Vec<_> =
                    requests.iter().map(|request| (request, database.load(request))).collect();
                let right = answers.iter().all(|(request, rows)| store.confirms(request, rows));
                if !right {
                    store.undo(&changes);
                    requests.iter().for_each(|request| store.forget_guesses(request));
                }
                for (request, rows) in answers {
                    store.absorb(request, rows);
                }
                if right {
                    break changes;
                }
            };
            unwritten.extend(changes);
            if commit {
                database.apply(&unwritten);
                unwritten.clear();
                store.evict(evictable(checkpoint, false), 0);
            }
        }
        database.apply(&unwritten);
        let stored: Vec<_> = database.table(TABLE).map(|row| removed(Some(row))).collect();
        prop_assert_eq!(stored, model.values().map(|removed| Some(*removed)).collect::<Vec<_>>());
    }
}

#[test]
fn a_wrong_guess_leaves_no_trace() {
    let mut store = Store::default();
    store.guess_absent();
    let key = Key::from((1, 2));
    let by = PlaylistTrackBy::Playlist.into();
    assert!(store.get(TABLE, Layer::View, &key).unwrap().is_none());
    assert!(store.find(TABLE, Layer::View, by, &Key::from(1)).unwrap().is_empty());
    store.write(TABLE, Layer::View, key.clone(), Some(row_of(row(1, 2, false)))).unwrap();
    let changes = store.fold(1);
    let requests = store.take_missing();
    let loaded = vec![row_of(row(1, 2, true))];
    assert!(
        requests
            .iter()
            .all(|request| !store.confirms(request, &loaded) || request.lookup.is_some())
    );
    store.undo(&changes);
    requests.iter().for_each(|request| store.forget_guesses(request));
    assert!(store.is_empty());
    for request in &requests {
        store.absorb(request, loaded.clone());
    }
    let found = store.find(TABLE, Layer::View, by, &Key::from(1)).unwrap();
    assert_eq!(found.iter().map(|row| removed(Some(row))).collect::<Vec<_>>(), [Some(true)]);
    assert!(!store.has_missing());
}

#[test]
fn a_key_has_no_row_where_all_rows_with_a_part_of_it_are_known() {
    let mut store = Store::default();
    let by = PlaylistTrackBy::Playlist.into();
    let all_of_one = LoadRequest { table: TABLE, lookup: Some(by), keys: vec![Key::from(1)] };
    store.absorb(&all_of_one, vec![row_of(row(1, 1, false))]);
    assert!(store.get(TABLE, Layer::Stored, &Key::from((1, 2))).unwrap().is_none());
    assert_eq!(store.known(TABLE, &Key::from((1, 2))).map(|row| row.is_some()), Some(false));
    store.want(TABLE, Key::from((1, 2)));
    let added = Some(row_of(row(1, 2, false)));
    store.write(TABLE, Layer::Stored, Key::from((1, 2)), added).unwrap();
    assert!(!store.has_missing());
    store.fold(1);
    assert_eq!(store.find(TABLE, Layer::Stored, by, &Key::from(1)).unwrap().len(), 2);
    assert_eq!(store.get(TABLE, Layer::Stored, &Key::from((2, 2))).unwrap_err(), Miss);
}
