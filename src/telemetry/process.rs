//! What the system knows of this process, under the names that Prometheus clients use everywhere.

use super::exposition::{Exposition, Kind};

/// Ticks per second in which Linux counts processor time for user space.
const TICKS: f64 = 100.0;

/// Adds what `/proc` tells; nothing where there is none.
pub(super) fn render(text: &mut Exposition, started: f64) {
    text.single(
        "process_start_time_seconds",
        Kind::Gauge,
        "Start time of the process since unix epoch in seconds.",
        Some(started),
    );
    text.single(
        "process_cpu_seconds_total",
        Kind::Counter,
        "Total user and system CPU time spent in seconds.",
        cpu_seconds(),
    );
    text.single(
        "process_resident_memory_bytes",
        Kind::Gauge,
        "Resident memory size in bytes.",
        status_kilobytes("VmRSS:").map(|kilobytes| kilobytes * 1024),
    );
    text.single(
        "process_open_fds",
        Kind::Gauge,
        "Number of open file descriptors.",
        std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
    );
}

fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name before the last parenthesis may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / TICKS)
}

fn status_kilobytes(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
