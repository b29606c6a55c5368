//! Decodes batches on threads of their own, with the order kept.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{DecodeOptions, Error, decode_block};
use crate::chain::RawBlock;
use crate::model::Block;

/// Stack of a decode thread. Metadata nests as deep as its sender likes (60,000 levels are on
/// record), and whatever walks it by recursion must not end the process. Only touched pages count.
const STACK_BYTES: usize = 64 << 20;

/// Threads that decode.
#[derive(Debug)]
pub struct Pool {
    threads: rayon::ThreadPool,
}

/// The outcome of a batch.
#[derive(Debug)]
pub struct Decoded {
    /// Blocks up to the first fault, in order.
    pub blocks: Vec<Block>,
    /// The first fault.
    pub error: Option<Error>,
}

impl Pool {
    /// Starts `threads` decode threads; 0 takes one per processor.
    ///
    /// # Errors
    /// The system refuses the threads.
    pub fn new(threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .stack_size(STACK_BYTES)
            .thread_name(|index| format!("decode-{index}"))
            .build()
            .map(|threads| Self { threads })
    }

    /// Runs `work` on the pool's threads and waits for it.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.threads.install(work)
    }

    /// Decodes `batch` and waits for it. Blocks the calling thread: call it from a thread that may
    /// block.
    pub fn decode(&self, batch: Vec<RawBlock>, options: &DecodeOptions) -> Decoded {
        let outcomes: Vec<_> = self
            .threads
            .install(|| batch.into_par_iter().map(|raw| decode_block(raw, options)).collect());
        let mut blocks = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            match outcome {
                Ok(block) => blocks.push(block),
                Err(error) => return Decoded { blocks, error: Some(error) },
            }
        }
        Decoded { blocks, error: None }
    }
}
