//! Everything that reaches a terminal or a file descriptor: data on stdout, and messages, progress,
//! logs and errors on stderr. No other module prints.

pub mod comparing;
mod line;
pub mod log;
pub mod multicall;
mod pace;
pub mod parity;
mod printable;
pub mod printer;
pub mod progress;
pub mod redact;
pub mod standing;
pub mod summary;
pub mod sweep;
pub mod table;
pub mod work;

pub use printable::printable;
pub use printer::Printer;
