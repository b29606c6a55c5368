//! Lookups whose values and ranks change from write to write, against a naive model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{memory::MemoryDatabase, *};
use crate::model::tables::{TrackRoute, TrackRouteBy};

const TABLE: TableId = TableId::TrackRoutes;

/// Slug to title slug, number, track, and whether it is current; all of one owner.
type Rows = BTreeMap<i64, Route>;
type Route = (i64, i64, i64, bool);

fn row(slug: i64, (title_slug, collision_id, track_id, is_current): Route) -> Row {
    row_of(TrackRoute {
        slug: slug.to_string(),
        title_slug: title_slug.to_string(),
        collision_id,
        owner_id: 1,
        track_id,
        is_current,
        blockhash: String::new(),
        blocknumber: 1,
        txhash: String::new(),
    })
}

#[derive(Clone, Debug)]
enum Op {
    Write { view: bool, slug: i64, route: Option<Route> },
    RollBack,
    EndBlock,
    UndoBlock,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let route = (0..2i64, 0..3i64, 0..2i64, any::<bool>());
    let op = prop_oneof![
        8 => (any::<bool>(), 0..5i64, proptest::option::of(route))
            .prop_map(|(view, slug, route)| Op::Write { view, slug, route }),
        1 => Just(Op::RollBack),
        1 => Just(Op::EndBlock),
        1 => Just(Op::UndoBlock),
    ];
    proptest::collection::vec(op, 1..60)
}

/// The store, and a model of its layers: base, stored, view.
#[derive(Default)]
struct Bench {
    store: Store,
    base: Rows,
    stored: BTreeMap<i64, Option<Route>>,
    view: BTreeMap<i64, Option<Route>>,
    blocks: Vec<(Rows, Vec<Change>)>,
}

impl Bench {
    fn seen(&self, layer: Layer) -> Rows {
        let mut rows = self.base.clone();
        let view = (layer == Layer::View).then_some(&self.view);
        for (slug, route) in [Some(&self.stored), view].into_iter().flatten().flatten() {
            match route {
                Some(route) => rows.insert(*slug, *route),
                None => rows.remove(slug),
            };
        }
        rows
    }

    fn settled<T>(&mut self, mut read: impl FnMut(&mut Store) -> Result<T, Miss>) -> T {
        loop {
            if let Ok(found) = read(&mut self.store) {
                return found;
            }
            MemoryDatabase::default().answer(&mut self.store);
        }
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Write { view, slug, route } => {
                let layer = if *view { Layer::View } else { Layer::Stored };
                let key = Key::from((1, slug.to_string()));
                let record = route.map(|route| row(*slug, route));
                self.settled(|store| store.write(TABLE, layer, key.clone(), record.clone()));
                let writes = if *view { &mut self.view } else { &mut self.stored };
                writes.insert(*slug, *route);
            }
            Op::RollBack => {
                self.store.rollback(Mark::new(0));
                self.stored.clear();
                self.view.clear();
            }
            Op::EndBlock => {
                let changes = self.store.fold(1);
                let after = self.seen(Layer::View);
                self.blocks.push((std::mem::replace(&mut self.base, after), changes));
                self.stored.clear();
                self.view.clear();
            }
            Op::UndoBlock => {
                self.run(&Op::RollBack);
                if let Some((before, changes)) = self.blocks.pop() {
                    self.store.undo(&changes);
                    self.base = before;
                }
            }
        }
    }

    fn check(&mut self) {
        for layer in [Layer::View, Layer::Stored] {
            let expected = self.seen(layer);
            for title in 0..2i64 {
                let key = Key::from((1, title.to_string()));
                let by = TrackRouteBy::OwnerTitleSlug.into();
                let last = self.settled(|store| store.last(TABLE, layer, by, &key));
                let of_title = expected.iter().filter(|(_, route)| route.0 == title);
                let wanted = of_title.max_by_key(|(slug, route)| (route.1, **slug));
                assert_eq!(slug_of(last.as_ref()), wanted.map(|(slug, _)| *slug), "{layer:?}");
            }
            for (track, is_current) in [(0, false), (0, true), (1, false), (1, true)] {
                let key = Key::from((track, is_current));
                let by = TrackRouteBy::Track.into();
                let found = self.settled(|store| store.find(TABLE, layer, by, &key));
                let found: Vec<_> = found.iter().filter_map(|row| slug_of(Some(row))).collect();
                let is_of = |route: &Route| route.2 == track && route.3 == is_current;
                let wanted = expected.iter().filter(|(_, route)| is_of(route));
                assert_eq!(found, wanted.map(|(slug, _)| *slug).collect::<Vec<_>>(), "{layer:?}");
            }
        }
    }
}

fn slug_of(row: Option<&Row>) -> Option<i64> {
    let route = row.and_then(crate::model::table::downcast::<TrackRoute>)?;
    route.slug.parse().ok()
}

proptest! {
    #[test]
    fn lookups_follow_values_and_ranks_that_change(ops in ops()) {
        let mut bench = Bench::default();
        for op in &ops {
            bench.run(op);
            bench.check();
        }
    }
}

#[test]
fn the_last_of_many_and_the_one_that_is_left_are_found_at_once() {
    for rows in [100_i64, 1000] {
        let mut bench = Bench::default();
        let walked = keys_walked(|| {
            for number in 0..rows {
                let last = Key::from((1, "0"));
                let by = TrackRouteBy::OwnerTitleSlug.into();
                bench.settled(|store| store.last(TABLE, Layer::Stored, by, &last));
                let (by, current) = (TrackRouteBy::Track.into(), Key::from((1, true)));
                let found = bench.settled(|store| store.find(TABLE, Layer::Stored, by, &current));
                assert_eq!(found.len(), usize::from(number > 0), "the one before");
                for (slug, is_current) in [(number - 1, false), (number, true)] {
                    let route = (slug >= 0).then_some((0, slug, 1, is_current));
                    bench.run(&Op::Write { view: false, slug, route });
                }
                if number == rows / 2 {
                    bench.run(&Op::EndBlock);
                }
            }
        });
        assert!(walked <= 6 * usize::try_from(rows).unwrap(), "{walked} keys for {rows} rows");
    }
}
