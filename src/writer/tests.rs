//! The write cycle against sinks that fail, hang and lag.
