//! The command line as a user meets it: real processes, real pipes.

#![cfg(test)]

mod docs;
mod exit;
mod inside;
mod kill;
mod manual;
mod process;
mod secure;
mod serve;
mod streams;
#[cfg(feature = "video")]
mod video;
