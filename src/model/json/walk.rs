//! Going through a value and building one without recursion, and what follows from that: cloning
//! and dropping values of any depth.

use super::{Json, Object};

/// One step of a walk through a value, in document order.
pub(super) enum Event<'a> {
    /// A value that is neither an array nor an object.
    Scalar(&'a Json),
    /// The next value belongs to this key.
    Key(&'a str),
    /// `[`, with the number of items.
    OpenList(usize),
    /// `]`.
    CloseList,
    /// `{`, with the number of keys.
    OpenObject(usize),
    /// `}`.
    CloseObject,
}

enum Cursor<'a> {
    Value(&'a Json),
    Items(std::slice::Iter<'a, Json>),
    Entries(super::object::Iter<'a>),
}

/// The events of a value.
pub(super) struct Walk<'a>(Vec<Cursor<'a>>);

impl<'a> Walk<'a> {
    pub(super) fn new(value: &'a Json) -> Self {
        Self(vec![Cursor::Value(value)])
    }

    fn open(&mut self, value: &'a Json) -> Event<'a> {
        match value {
            Json::List(items) => {
                self.0.push(Cursor::Items(items.iter()));
                Event::OpenList(items.len())
            }
            Json::Object(object) => {
                self.0.push(Cursor::Entries(object.iter()));
                Event::OpenObject(object.len())
            }
            scalar => Event::Scalar(scalar),
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        match self.0.last_mut()? {
            Cursor::Value(value) => {
                let value = *value;
                self.0.pop();
                Some(self.open(value))
            }
            Cursor::Items(items) => match items.next() {
                Some(item) => Some(self.open(item)),
                None => {
                    self.0.pop();
                    Some(Event::CloseList)
                }
            },
            Cursor::Entries(entries) => match entries.next() {
                Some((key, value)) => {
                    self.0.push(Cursor::Value(value));
                    Some(Event::Key(key))
                }
                None => {
                    self.0.pop();
                    Some(Event::CloseObject)
                }
            },
        }
    }
}

/// An array or object whose end has not been seen.
enum Open {
    List(Vec<Json>),
    Object(Object, String),
}

/// Builds one value from the events of its text.
#[derive(Default)]
pub(super) struct Builder(Vec<Open>);

impl Builder {
    /// Number of arrays and objects that are open.
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    pub(super) fn open_list(&mut self, capacity: usize) {
        self.0.push(Open::List(Vec::with_capacity(capacity)));
    }

    pub(super) fn open_object(&mut self, capacity: usize) {
        self.0.push(Open::Object(Object::with_capacity(capacity), String::new()));
    }

    /// Whether the innermost open container is an object; `None` when nothing is open.
    pub(super) fn in_object(&self) -> Option<bool> {
        self.0.last().map(|open| matches!(open, Open::Object(..)))
    }

    pub(super) fn key(&mut self, key: String) {
        if let Some(Open::Object(_, pending)) = self.0.last_mut() {
            *pending = key;
        }
    }

    /// Puts a finished value where it belongs and gives it back when it is the whole.
    pub(super) fn value(&mut self, value: Json) -> Option<Json> {
        match self.0.last_mut() {
            None => return Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Object(object, key)) => {
                object.insert(std::mem::take(key), value);
            }
        }
        None
    }

    /// Ends the innermost container; see [`Builder::value`].
    pub(super) fn close(&mut self) -> Option<Json> {
        let value = match self.0.pop()? {
            Open::List(items) => Json::List(items),
            Open::Object(object, _) => Json::Object(object),
        };
        self.value(value)
    }
}

impl Json {
    fn clone_scalar(&self) -> Self {
        match self {
            Self::Null | Self::List(_) | Self::Object(_) => Self::Null,
            Self::Bool(value) => Self::Bool(*value),
            Self::Int(value) => Self::Int(*value),
            Self::Big(digits) => Self::Big(digits.clone()),
            Self::Float(value) => Self::Float(*value),
            Self::Str(text) => Self::Str(text.clone()),
        }
    }

    const fn is_filled_container(&self) -> bool {
        match self {
            Self::List(items) => !items.is_empty(),
            Self::Object(object) => !object.is_empty(),
            _ => false,
        }
    }

    /// Moves the children that have children themselves to `stack`; the other ones are dropped.
    fn unlink_children(&mut self, stack: &mut Vec<Self>) {
        match self {
            Self::List(items) => {
                stack.extend(std::mem::take(items).into_iter().filter(Self::is_filled_container));
            }
            Self::Object(object) => {
                let values = object.take_entries().into_iter().map(|(_, value)| value);
                stack.extend(values.filter(Self::is_filled_container));
            }
            _ => {}
        }
    }
}

impl Clone for Json {
    fn clone(&self) -> Self {
        if !matches!(self, Self::List(_) | Self::Object(_)) {
            return self.clone_scalar();
        }
        let mut builder = Builder::default();
        for event in Walk::new(self) {
            let done = match event {
                Event::Scalar(value) => builder.value(value.clone_scalar()),
                Event::Key(key) => {
                    builder.key(key.to_owned());
                    None
                }
                Event::OpenList(len) => {
                    builder.open_list(len);
                    None
                }
                Event::OpenObject(len) => {
                    builder.open_object(len);
                    None
                }
                Event::CloseList | Event::CloseObject => builder.close(),
            };
            if let Some(value) = done {
                return value;
            }
        }
        Self::Null
    }
}

impl Clone for Object {
    fn clone(&self) -> Self {
        self.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect()
    }
}

impl Drop for Json {
    fn drop(&mut self) {
        let nested = match self {
            Self::List(items) => items.iter().any(Self::is_filled_container),
            Self::Object(object) => object.values().any(Self::is_filled_container),
            _ => false,
        };
        if nested {
            let mut stack = Vec::new();
            self.unlink_children(&mut stack);
            while let Some(mut value) = stack.pop() {
                value.unlink_children(&mut stack);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[{\"a\":".repeat(depth / 2), "0") + &"}]".repeat(depth / 2)
    }

    #[test]
    fn deep_values_survive_every_operation_on_a_small_stack() {
        let work = || {
            let text = nested(100_000);
            let value = Json::parse(&text).unwrap();
            let copy = value.clone();
            assert_eq!(copy, value);
            assert!(copy.python_eq(&value));
            assert_eq!(copy.to_json_text(), text);
            assert_eq!(format!("{value:?}"), text);
            assert!(value.json_storable().is_err(), "deeper than the server takes");
            drop(value);
            drop(copy.into_list());
        };
        let small = std::thread::Builder::new().stack_size(128 * 1024);
        small.spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn a_clone_is_equal_and_independent() {
        let value = Json::parse(r#"{"a":[1,{"b":[]},"x"],"c":{},"d":null}"#).unwrap();
        let mut copy = value.clone();
        assert_eq!(copy.to_json_text(), value.to_json_text());
        if let Json::Object(object) = &mut copy {
            object.insert("d", Json::Int(1));
        }
        assert_ne!(copy, value);
    }
}
