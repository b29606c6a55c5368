//! Tests of the store against a naive model.
