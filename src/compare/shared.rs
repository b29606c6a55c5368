//! What the tables of a comparison share: its options, both servers, the window and what is known.

use std::{collections::BTreeSet, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{
    Options, known::Known, query::Hash, result::Progress, session::Server, window::Window,
};

/// What the tables of a run share.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) options: Options,
    pub(crate) etl: Arc<Server>,
    pub(crate) prod: Arc<Server>,
    pub(crate) window: Option<Window>,
    pub(crate) known: Known,
    /// Entries of the known differences, by table, whose conditions make no sense there.
    pub(crate) inapplicable: BTreeSet<(usize, String)>,
    pub(crate) hash: Hash,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cancel: CancellationToken,
}
