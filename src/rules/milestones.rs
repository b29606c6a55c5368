//! Thresholds that production tells users about when a counter stands on one exactly.

/// Thresholds of saves, reposts and listens.
pub const CONTENT: [i64; 16] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000,
    500_000, 1_000_000,
];

/// Thresholds of followers.
pub const FOLLOWERS: [i64; 13] =
    [10, 25, 50, 100, 250, 500, 1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 1_000_000];
