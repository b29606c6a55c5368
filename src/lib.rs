//! `audius-etl`: index the Open Audio core chain into PostgreSQL.

pub mod chain;
pub mod cli;
pub mod commands;
pub mod db;
pub mod decode;
pub mod failure;
pub mod handlers;
pub mod model;
pub mod pipeline;
pub mod settings;
pub mod store;
pub mod terminal;
