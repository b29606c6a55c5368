//! Where more than the recorded value is right.

use std::collections::BTreeMap;

use super::recording::field;
use crate::diff::value::Value;
use crate::diff::{Row, Tables};

/// Columns of an aggregate that count rows.
const COUNTERS: [(&str, &str, &[&str]); 3] = [
    (
        "aggregate_user",
        "user_id",
        &[
            "following_count",
            "follower_count",
            "repost_count",
            "track_save_count",
            "album_count",
            "playlist_count",
            "track_count",
        ],
    ),
    ("aggregate_track", "track_id", &["repost_count", "save_count", "comment_count"]),
    ("aggregate_playlist", "playlist_id", &["repost_count", "save_count"]),
];

/// Puts our value in the place of a recorded one where both are right:
///
/// - any of the genres that share the first rank, as many tracks and the newest of the same time;
/// - counters of seeded rows that the seed's own rows do not add up to: the reference's job corrects
///   them, who counts on from what is stored keeps the seed's error.
pub(crate) fn forgive(recorded: &mut Tables, ours: &Tables, seeded: &Tables) {
    let tied = tied_genres(recorded);
    allow(recorded, ours, "aggregate_user", "user_id", |id, column, _, our| {
        let genres = tied.get(&id).filter(|_| column == "dominant_genre");
        genres.is_some_and(|genres| genres.contains(our))
    });
    let counts = counted(seeded);
    for (table, key, columns) in COUNTERS {
        let stored: BTreeMap<i64, &Row> =
            rows(seeded, table).filter_map(|row| Some((field(row, key).as_int()?, row))).collect();
        allow(recorded, ours, table, key, |id, column, recorded, our| {
            let Some(stored) = stored.get(&id).filter(|_| columns.contains(&column)) else {
                return false;
            };
            let counted = counts.get(&(table, id, column)).copied().unwrap_or(0);
            let values = (field(stored, column).as_int(), recorded.as_int(), our.as_int());
            let (Some(stored), Some(recorded), Some(our)) = values else { return false };
            our == recorded + stored - counted
        });
    }
    allow_seeded_genres(recorded, ours, seeded);
}

/// A seeded genre that the seed's own tracks do not make.
fn allow_seeded_genres(recorded: &mut Tables, ours: &Tables, seeded: &Tables) {
    let most: BTreeMap<i64, i64> = genres(seeded)
        .into_iter()
        .filter_map(|(user, genres)| {
            Some((user, i64::try_from(genres.values().map(|(count, _)| *count).max()?).ok()?))
        })
        .collect();
    let stored: BTreeMap<i64, &Row> = rows(seeded, "aggregate_user")
        .filter_map(|row| Some((field(row, "user_id").as_int()?, row)))
        .filter(|(user, row)| {
            field(row, "dominant_genre_count").as_int() != most.get(user).copied()
        })
        .collect();
    allow(recorded, ours, "aggregate_user", "user_id", |id, column, _, our| {
        let is_genre = matches!(column, "dominant_genre" | "dominant_genre_count");
        is_genre && stored.get(&id).is_some_and(|stored| field(stored, column) == our)
    });
}

/// Takes over our values for which `is_right(id, column, recorded, ours)` holds.
fn allow(
    recorded: &mut Tables,
    ours: &Tables,
    table: &str,
    key: &str,
    is_right: impl Fn(i64, &str, &Value, &Value) -> bool,
) {
    let ours: BTreeMap<i64, &Row> =
        rows(ours, table).filter_map(|row| Some((field(row, key).as_int()?, row))).collect();
    for row in recorded.get_mut(table).into_iter().flatten() {
        let Some(id) = field(row, key).as_int() else { continue };
        let Some(ours) = ours.get(&id) else { continue };
        for (column, value) in row {
            let our = field(ours, column);
            if value != our && is_right(id, column, value, our) {
                *value = our.clone();
            }
        }
    }
}

/// Per user with several of them: the genres that share the first rank.
fn tied_genres(tables: &Tables) -> BTreeMap<i64, Vec<Value>> {
    let mut tied = BTreeMap::new();
    for (user, genres) in genres(tables) {
        let Some(top) = genres.values().max().cloned() else { continue };
        let first = genres.into_iter().filter(|(_, rank)| *rank == top);
        tied.insert(user, first.map(|(genre, _)| genre).collect());
    }
    tied
}

/// Per user and genre: how many listed tracks, and the time of the newest.
fn genres(tables: &Tables) -> BTreeMap<i64, BTreeMap<Value, (usize, String)>> {
    let mut genres: BTreeMap<i64, BTreeMap<Value, (usize, String)>> = BTreeMap::new();
    for row in listed(tables) {
        let Some(owner) = field(row, "owner_id").as_int() else { continue };
        let of_owner = genres.entry(owner).or_default();
        let rank = of_owner.entry(field(row, "genre").clone()).or_default();
        let created_at = field(row, "created_at").as_text().unwrap_or_default();
        let created_at = created_at.trim_end_matches('Z').to_owned();
        rank.0 += 1;
        rank.1 = created_at.max(std::mem::take(&mut rank.1));
    }
    genres
}

/// What production's job counts, by table, id and column.
fn counted(tables: &Tables) -> BTreeMap<(&'static str, i64, &'static str), i64> {
    let mut counts = BTreeMap::new();
    let mut add = |table: &'static str, row: &Row, id: &str, column: &'static str| {
        if let Some(id) = field(row, id).as_int() {
            *counts.entry((table, id, column)).or_default() += 1;
        }
    };
    for row in live(tables, "follows") {
        add("aggregate_user", row, "follower_user_id", "following_count");
        add("aggregate_user", row, "followee_user_id", "follower_count");
    }
    for row in live(tables, "reposts") {
        let item = item_table(field(row, "repost_type"));
        add(item, row, "repost_item_id", "repost_count");
        add("aggregate_user", row, "user_id", "repost_count");
    }
    for row in live(tables, "saves") {
        let item = item_table(field(row, "save_type"));
        add(item, row, "save_item_id", "save_count");
        if item == "aggregate_track" {
            add("aggregate_user", row, "user_id", "track_save_count");
        }
    }
    for row in live(tables, "playlists").filter(|row| is(row, "is_private", false)) {
        let is_album = is(row, "is_album", true);
        let column = if is_album { "album_count" } else { "playlist_count" };
        add("aggregate_user", row, "playlist_owner_id", column);
    }
    for row in listed(tables) {
        add("aggregate_user", row, "owner_id", "track_count");
    }
    let is_seen = |row: &&Row| is(row, "is_delete", false) && is(row, "is_visible", true);
    for row in rows(tables, "comments").filter(is_seen) {
        if field(row, "entity_type").as_text() == Some("Track") {
            add("aggregate_track", row, "entity_id", "comment_count");
        }
    }
    counts
}

fn item_table(kind: &Value) -> &'static str {
    if kind.as_text() == Some("track") { "aggregate_track" } else { "aggregate_playlist" }
}

fn rows<'a>(tables: &'a Tables, table: &str) -> impl Iterator<Item = &'a Row> {
    tables.get(table).into_iter().flatten()
}

fn live<'a>(tables: &'a Tables, table: &str) -> impl Iterator<Item = &'a Row> {
    rows(tables, table).filter(|row| is(row, "is_current", true) && is(row, "is_delete", false))
}

/// Tracks that everybody sees and that are no stems.
fn listed(tables: &Tables) -> impl Iterator<Item = &Row> {
    live(tables, "tracks").filter(|row| {
        is(row, "is_unlisted", false)
            && is(row, "is_available", true)
            && *field(row, "stem_of") == Value::Null
    })
}

fn is(row: &Row, column: &str, value: bool) -> bool {
    *field(row, column) == Value::Bool(value)
}
