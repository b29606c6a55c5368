//! The `audius-etl` binary.

fn main() {}
