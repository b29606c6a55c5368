//! A call and its metadata, read as Go reads it (frame.md 3.2).

use std::{borrow::Cow, sync::Arc};

use crate::model::{EntityTx, Json, Timestamp, json::Object};

/// A call as its handler sees it.
#[derive(Debug)]
pub struct Call<'a> {
    /// The transaction.
    pub tx: &'a EntityTx,
    /// Its metadata.
    pub meta: Metadata<'a>,
    /// The time of everything that the handler does, as columns hold it: that of the block, or for a
    /// migrated call the one that it carries (frame.md 7.1).
    pub now: Timestamp,
    /// The same as a point in time, which the handler compares and counts seconds with. Only for a
    /// migrated call with an offset other than UTC is it another: the driver drops the offset.
    pub instant: Timestamp,
}

impl<'a> Call<'a> {
    /// A call at a time, its metadata read.
    pub fn new(tx: &'a EntityTx, now: Timestamp) -> Self {
        Self { tx, meta: Metadata::of(tx), now, instant: now }
    }

    /// The signer, lower-cased.
    pub fn signer(&self) -> String {
        crate::rules::unicode::go_lower(&self.tx.signer)
    }
}

/// Metadata: one object, or nothing.
///
/// Values of the wrong JSON type read as absent. Numbers are what a double holds of them.
#[derive(Clone, Debug, Default)]
pub struct Metadata<'a> {
    object: Option<Cow<'a, Object>>,
    /// Keys that read as absent ([`Metadata::hiding`]).
    hidden: &'static [&'static str],
}

impl<'a> Metadata<'a> {
    /// The metadata of a transaction: the object under `data` if there is one, else the object at
    /// the top; nothing where Go's decoder fails.
    pub fn of(tx: &'a EntityTx) -> Self {
        Self::top(tx).inner()
    }

    /// The object at the top, whatever is under `data`; nothing where Go's decoder fails.
    pub fn top(tx: &'a EntityTx) -> Self {
        let Some(Ok(json)) = &tx.json else { return Self::default() };
        let object = if tx.lone_surrogate {
            let json = Json::parse_replacing(&tx.metadata).unwrap_or_default();
            if json.is_go_json() { json.into_object().map(Cow::Owned) } else { None }
        } else {
            json.as_object().filter(|_| json.is_go_json()).map(Cow::Borrowed)
        };
        Self { object, hidden: &[] }
    }

    /// The object under `data` if there is one, else the same.
    #[must_use]
    pub fn inner(self) -> Self {
        let object = self.object.map(|top| match top {
            Cow::Borrowed(top) => {
                Cow::Borrowed(top.get("data").and_then(Json::as_object).unwrap_or(top))
            }
            Cow::Owned(mut top) => {
                let data = top.get_mut("data").filter(|data| data.as_object().is_some());
                let inner = data.map(Json::take).and_then(Json::into_object);
                Cow::Owned(inner.unwrap_or(top))
            }
        });
        Self { object, ..self }
    }

    /// The same without some keys: what an Update may not touch (frame.md 3.4).
    #[must_use]
    pub fn hiding(self, hidden: &'static [&'static str]) -> Self {
        Self { hidden, ..self }
    }

    /// Whether there is none: no text, or none that is an object.
    pub const fn is_none(&self) -> bool {
        self.object.is_none()
    }

    /// The value of a key, `null` included; `None` where the key is absent.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.object.as_ref()?.get(key).filter(|_| !self.hidden.contains(&key))
    }

    /// The value of a key other than `null`.
    pub fn value(&self, key: &str) -> Option<&Json> {
        self.get(key).filter(|value| !value.is_null())
    }

    /// Whether the key is there, with any value.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The text of a key; empty where it is absent or no text.
    pub fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Json::as_str).unwrap_or_default()
    }

    /// The text of a key, `None` for an empty one too: what `""` becomes in most columns.
    pub fn filled(&self, key: &str) -> Option<&str> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    /// `true` or `false`.
    pub fn bool(&self, key: &str) -> Option<bool> {
        self.get(key)?.as_bool()
    }

    /// A number cut toward zero; digits in a text are none.
    pub fn int(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(go_int)
    }

    /// A number as it is.
    pub fn float(&self, key: &str) -> Option<f64> {
        self.get(key)?.as_f64()
    }

    /// A value other than `null`, as Go encodes it again for a `jsonb` column.
    pub fn json(&self, key: &str) -> Option<Arc<Json>> {
        self.value(key).map(|value| Arc::new(value.clone().go_encoded()))
    }

    /// The object itself, hidden keys included.
    pub fn object(&self) -> Option<&Object> {
        self.object.as_deref()
    }
}

/// The integer that Go makes of a number: by way of a double, cut toward zero; what does not fit is
/// the smallest integer, as on amd64.
pub fn go_int(value: &Json) -> Option<i64> {
    Some(go_int_of(value.as_f64()?))
}

/// See [`go_int`].
pub fn go_int_of(value: f64) -> i64 {
    /// 2^63, the first double past `i64`.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if !(-LIMIT..LIMIT).contains(&value) {
        return i64::MIN;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the range, and meant to be cut")]
    let cut = value as i64;
    cut
}
