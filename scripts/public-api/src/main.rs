//! Prints the public API of a crate, an item a line: `list-public-api target/doc/crate_name.json`.
//!
//! What follows from other items is left out: blanket and derived implementations, and auto traits.

use std::{error::Error, io::Write};

fn main() -> Result<(), Box<dyn Error>> {
    let json = std::env::args().nth(1).ok_or("no rustdoc JSON was named")?;
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_derived_impls(true)
        .omit_auto_trait_impls(true)
        .build()?;
    let mut stdout = std::io::stdout().lock();
    for item in api.items() {
        writeln!(stdout, "{item}")?;
    }
    Ok(())
}
