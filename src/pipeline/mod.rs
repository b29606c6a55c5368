//! Wires the stages together: reading, decoding, applying, keeping, writing.

pub mod event;
