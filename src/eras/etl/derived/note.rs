//! Notifications as triggers write them: nothing happens where the group and specifier are there.

use std::sync::Arc;

use super::{Halt, Handled, Scope};
use crate::model::{
    Json, Timestamp,
    tables::{Notification, NotificationBy},
};

/// Where the row behind a notification stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) blocknumber: Option<i64>,
    pub(super) slot: Option<i64>,
    pub(super) timestamp: Timestamp,
}

impl Stamp {
    /// Of a row with a block and no slot.
    pub(super) const fn of(blocknumber: Option<i64>, timestamp: Timestamp) -> Self {
        Self { blocknumber, slot: None, timestamp }
    }
}

/// One notification.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) kind: &'static str,
    pub(super) group_id: String,
    pub(super) specifier: String,
    pub(super) user_ids: Vec<i64>,
    pub(super) data: Json,
}

impl Note {
    pub(super) fn write(self, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
        let row = Notification {
            specifier: self.specifier,
            group_id: self.group_id,
            r#type: self.kind.to_owned(),
            slot: stamp.slot,
            blocknumber: stamp.blocknumber,
            timestamp: stamp.timestamp,
            data: Some(Arc::new(self.data)),
            user_ids: Some(self.user_ids),
            type_v2: None,
        };
        scope.insert_notification(row).map(drop)
    }
}

/// Whether a notification is there.
pub(super) fn exists(group_id: &str, specifier: &str, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    Ok(scope.get::<Notification>((group_id, specifier))?.is_some())
}

/// A group of notifications, one to each of many users.
#[derive(Debug)]
pub(super) struct Circular {
    pub(super) kind: &'static str,
    pub(super) group_id: String,
    pub(super) data: Json,
}

impl Circular {
    /// Sends one to each receiver; of one who comes twice, the second is absorbed.
    pub(super) fn send(
        self,
        receivers: impl IntoIterator<Item = i64>,
        stamp: Stamp,
        scope: &mut Scope<'_>,
    ) -> Handled {
        // Brings what there is of the group with one question, in place of one per receiver.
        scope.find::<Notification>(NotificationBy::Group, &self.group_id)?;
        let data = Arc::new(self.data);
        for receiver in receivers {
            scope.insert_notification(Notification {
                specifier: receiver.to_string(),
                group_id: self.group_id.clone(),
                r#type: self.kind.to_owned(),
                slot: stamp.slot,
                blocknumber: stamp.blocknumber,
                timestamp: stamp.timestamp,
                data: Some(Arc::clone(&data)),
                user_ids: Some(vec![receiver]),
                type_v2: None,
            })?;
        }
        Ok(())
    }
}
