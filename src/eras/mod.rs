//! Eras: what the programs that wrote production did with a block, one wing each (design section 11).

pub mod discovery;
