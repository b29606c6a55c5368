//! `audius-etl`: index the Open Audio core chain into PostgreSQL.

pub mod model;
