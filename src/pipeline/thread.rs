//! The apply thread: handlers run here, off the async threads, on a stack that deep metadata cannot
//! exhaust.

use std::sync::mpsc::{SyncSender, sync_channel};

use tokio::sync::oneshot;

use super::{Applier, Error};

/// Metadata nests as deep as its sender likes; whatever walks it by recursion must not end the
/// process. Only touched pages count.
const STACK_BYTES: usize = 512 << 20;

type Job = Box<dyn FnOnce(&mut Applier) + Send>;

/// The way to the applier, which lives on its own thread. The thread ends with the handle.
#[derive(Debug)]
pub(super) struct ApplyThread {
    jobs: SyncSender<Job>,
}

impl ApplyThread {
    /// Moves `applier` to a new thread.
    pub(super) fn start(mut applier: Applier) -> Result<Self, Error> {
        // One job at a time: the loop waits for each answer.
        let (jobs, queue) = sync_channel::<Job>(1);
        std::thread::Builder::new()
            .name("apply".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                for job in queue {
                    job(&mut applier);
                }
            })
            .map_err(Error::Thread)?;
        Ok(Self { jobs })
    }

    /// Runs `work` on the thread. `None` when the thread has died.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Applier) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |applier| {
            // Nobody waiting for the answer any more is no reason to stop.
            drop(reply.send(work(applier)));
        });
        self.jobs.try_send(job).ok()?;
        answer.await.ok()
    }
}
