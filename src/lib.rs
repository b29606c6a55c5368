//! `audius-etl`: index the Open Audio core chain into PostgreSQL.
//!
//! This page is the architecture. Read it first, then the module you came for.
//!
//! # Flow of data
//!
//! ```text
//!  chain/        decode/         eras/              store/                writer/
//!  READ   ─────▶ DECODE  ──────▶ APPLY  ──────────▶ KEEP  ──────────────▶ WRITE ──▶ PostgreSQL
//!  raw blocks    typed blocks,   one wing: plain    rows in memory,       one task, one SQL
//!  in height     on all cores    functions over     an overlay per        transaction per run
//!  order                         a block's rows     block, checkpoints    of batches
//!     ▲                                                  │
//!     └────────────── backpressure (capacity) ───────────┘    committed ≤ processed ≤ fetched
//! ```
//!
//! Two programs have written production, and they differ in kind: an *era* is what one of them did
//! with a block. Each has a wing under [`eras`], whole, with its frame, its reader of metadata, its
//! handlers, derived rows and way of recording blocks; wings share the store and the pure [`rules`],
//! and none knows another. Outside, everybody has an `Era` before them and nobody asks which.
//!
//! The stages overlap: while one run of batches is being written, handlers work on the next, rows
//! for the one after that are loaded, and blocks beyond are fetched and decoded. `pipeline` is the
//! only place that knows all of them; `commands` turn a command line into a pipeline and its end
//! into an exit code.
//!
//! # Invariants
//!
//! **Invariant: the database never shows half a block.** Rows, raw transactions, progress and
//! history of a run of batches are one transaction. Killed at any instant, the program goes on from
//! the last commit, with no row lost, doubled or half written.
//!
//! **Invariant: the height never passes what is committed.** Resuming reads the committed
//! checkpoint, nothing else. An event that says "committed" is sent after the commit.
//!
//! **Invariant: the same blocks give the same rows.** Eras, decoder and store know no clock, no
//! randomness, no network and no database; time is block time. How blocks are cut into batches
//! makes no difference.
//!
//! **Invariant: no query per row.** Handlers are synchronous and read memory only. The rows that a
//! batch will probably read are loaded while the batch before is applied, one query per table. What
//! was not foreseen reads as absent; one more load checks that, and where it was wrong the batch is
//! undone and applied again. Into a database that was empty, what the run never wrote is not even
//! looked for.
//!
//! **Invariant: outside calls are effects.** What the follower is told by contracts is kept with its
//! checkpoint, readable while that is written, and forgotten when the chain goes back behind it.
//!
//! **Invariant: every transaction is accounted for.** It is applied, rejected with a reason,
//! skipped, refused as poison, failed, known by hash already, of a type that is only recorded, or
//! counted as unrouted by the name of its pair. Nothing is dropped in silence.
//!
//! **Invariant: one writer.** The connection that writes holds the database's advisory lock, so
//! losing the connection loses the right to write.
//!
//! **Invariant: memory is bounded.** Every queue has a capacity, and reading waits once too much is
//! unwritten.
//!
//! **Invariant: secrets stay secret.** A URL is printed without its password, everywhere.
//!
//! # A new handler
//!
//! A function in the folder of its entity in its wing, an entry in the wing's registry, and the list
//! of rows it reads where the wing keeps such lists. A new table is a `record!` in `model::tables`
//! and a migration.
//!
//! # Code map
//!
//! Dependencies point one way: `model` ← `chain`, `decode`, `store`, `rules` ← `ledger` ← `eras` ←
//! `pipeline` ← `commands` ← `cli`. `tests/it/layers.rs` checks it, and that no wing knows another.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`] | the program as a whole: everything that can be typed, and which command it runs |
//! | [`args`], [`settings`] | options of every command; what they mean with environment and file added |
//! | [`commands`] | one file per subcommand: its arguments and its `run` |
//! | [`quantity`] | durations and sizes as people type them |
//! | [`model`] | types that cross a stage boundary |
//! | [`chain`] | blocks from nodes and archives, in height order |
//! | [`decode`] | bytes to typed blocks |
//! | [`eth`] | Ethereum nodes: headers, logs, AUDIO balances, calldata |
//! | [`store`] | the rows in memory: tables, the two views of a block, undo; results of outside calls |
//! | [`rules`] | what wings share of the references' rules: pure functions of their input |
//! | [`ledger`] | the rows of the chain itself: addresses, validators, storage proofs, rollups |
//! | [`eras`] | what each program that wrote production did with a block, one wing each |
//! | [`writer`] | the background task that makes batches durable, one transaction at a time |
//! | [`db`] | connecting, the private cluster, migrations, loading rows by key |
//! | [`sweep`] | balances on Ethereum read again, oldest first, on any number of machines |
//! | [`follow`] | following Ethereum: the loop that keeps balances right |
//! | [`pipeline`] | the stages wired together, and the events they send |
//! | [`compare`] | parity of two databases: checksums in the servers, differences field by field |
//! | [`telemetry`] | metrics, health and readiness of a run, word to the service manager |
//! | [`terminal`] | everything printed: data, progress, summary tables, logs, errors |
//! | [`failure`] | one error type for the end of a run, with its exit code |
//! | [`interrupt`] | ending early: signals, the one token, the one list of waits |

// What the user asks for.
pub mod args;
pub mod cli;
pub mod commands;
pub mod quantity;
pub mod settings;

// What everybody may be told: to end early.
pub mod interrupt;

// What flows.
pub mod model;

// Reading: raw blocks in height order, and the typed blocks they decode to.
pub mod chain;
pub mod decode;
pub mod eth;

// Applying: rows in memory, and what each era does to them.
pub mod eras;
pub mod ledger;
pub mod rules;
pub mod store;

// PostgreSQL apart from the stage that writes.
pub mod db;

// Writing: batches made durable in the background.
pub mod writer;

// Balances read again.
pub mod sweep;

// Following Ethereum: headers, events, balances.
pub mod follow;

// The stages wired together.
pub mod pipeline;

// Beside the flow: parity of two databases.
pub mod compare;

// What those who watch a run see.
pub mod telemetry;

// What the user sees.
pub mod failure;
pub mod terminal;
