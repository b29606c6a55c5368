//! JSON objects with the semantics of a Python `dict`.

use std::collections::BTreeMap;

use super::Json;

/// From this many keys on, keys are found through an index instead of by a scan.
const INDEXED_FROM: usize = 33;

/// A JSON object: Python `dict` semantics over insertion order.
#[derive(Default)]
pub struct Object {
    entries: Vec<(String, Json)>,
    /// Position by key once there are [`INDEXED_FROM`] keys. A tree, because keys are hostile input.
    #[expect(clippy::box_collection, reason = "keeps `Json` small; hardly an object has an index")]
    index: Option<Box<BTreeMap<Box<str>, usize>>>,
}

impl Object {
    /// An empty object.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), index: None }
    }

    /// An empty object with room for `capacity` keys.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { entries: Vec::with_capacity(capacity), index: None }
    }

    /// Number of keys.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the key is there, whatever its value.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.position(key).map(|at| &self.entries[at].1)
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.position(key).map(|at| &mut self.entries[at].1)
    }

    /// Python's `dict.get(key)` with "absent" and "null" alike: the value unless it is `null`.
    pub fn get_non_null(&self, key: &str) -> Option<&Json> {
        self.get(key).filter(|value| !value.is_null())
    }

    /// Python's `dict.get(key)`: the value, `null` where the key is absent.
    pub fn get_or_null(&self, key: &str) -> &Json {
        static NULL: Json = Json::Null;
        self.get(key).unwrap_or(&NULL)
    }

    /// Sets a key. An existing key keeps its place; its old value is returned.
    pub fn insert(&mut self, key: impl Into<String>, value: Json) -> Option<Json> {
        let key = key.into();
        if let Some(at) = self.position(&key) {
            return Some(std::mem::replace(&mut self.entries[at].1, value));
        }
        if let Some(index) = &mut self.index {
            index.insert(key.as_str().into(), self.entries.len());
        }
        self.entries.push((key, value));
        if self.index.is_none() && self.entries.len() >= INDEXED_FROM {
            self.build_index();
        }
        None
    }

    /// Removes a key and returns its value; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let (_, value) = self.entries.remove(self.position(key)?);
        self.index = None;
        if self.entries.len() >= INDEXED_FROM {
            self.build_index();
        }
        Some(value)
    }

    /// Entries in order of first insertion.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.entries.iter())
    }

    /// Keys in order of first insertion.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// Values in order of first insertion.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Json> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// Values in order of first insertion, to be changed.
    pub(super) fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Json> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    pub(super) fn take_entries(&mut self) -> Vec<(String, Json)> {
        self.index = None;
        std::mem::take(&mut self.entries)
    }

    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.entries.iter().position(|(other, _)| other == key),
        }
    }

    fn build_index(&mut self) {
        let by_key =
            self.entries.iter().enumerate().map(|(at, (key, _))| (key.as_str().into(), at));
        self.index = Some(Box::new(by_key.collect()));
    }
}

/// Entries of an [`Object`] in order of first insertion.
#[derive(Clone)]
pub struct Iter<'a>(std::slice::Iter<'a, (String, Json)>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a Json);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key.as_str(), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a str, &'a Json);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl IntoIterator for Object {
    type Item = (String, Json);
    type IntoIter = std::vec::IntoIter<(String, Json)>;

    fn into_iter(mut self) -> Self::IntoIter {
        self.take_entries().into_iter()
    }
}

impl FromIterator<(String, Json)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Json)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let mut object = Self::with_capacity(entries.size_hint().0);
        for (key, value) in entries {
            object.insert(key, value);
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_key_keeps_its_place_and_takes_the_last_value() {
        let mut object = Object::new();
        object.insert("a", Json::Int(1));
        object.insert("b", Json::Int(2));
        assert_eq!(object.insert("a", Json::Int(3)), Some(Json::Int(1)));
        assert_eq!(object.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(object.get("a"), Some(&Json::Int(3)));
    }

    #[test]
    fn a_removed_key_comes_back_at_the_end() {
        let mut object: Object = (0..50).map(|n| (format!("k{n}"), Json::Int(n))).collect();
        assert_eq!(object.remove("k7"), Some(Json::Int(7)));
        assert_eq!(object.remove("k7"), None);
        assert_eq!(object.get("k49"), Some(&Json::Int(49)));
        object.insert("k7", Json::Null);
        assert_eq!(object.keys().last(), Some("k7"));
        assert_eq!(object.len(), 50);
        for n in 0..30 {
            object.remove(&format!("k{n}"));
        }
        assert_eq!(object.get("k30"), Some(&Json::Int(30)));
        assert!(!object.contains_key("k29"));
    }

    #[test]
    fn a_huge_object_is_built_in_reasonable_time() {
        let object: Object = (0..200_000).map(|n| (n.to_string(), Json::Int(n))).collect();
        assert_eq!(object.len(), 200_000);
        assert_eq!(object.get("199999"), Some(&Json::Int(199_999)));
    }
}
