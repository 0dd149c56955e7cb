//! The command line as a user meets it: real processes, real pipes.

#![cfg(test)]

mod docs;
mod exit;
mod kill;
mod process;
mod serve;
mod streams;
