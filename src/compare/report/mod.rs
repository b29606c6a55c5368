//! Reports that leave the terminal.
