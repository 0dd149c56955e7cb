//! Every fault campaign with a few runs, so that the tests of any change pass through all of them. The figures
//! are reached by `cargo faults`.

#![cfg(test)]

mod cancel;
mod disk;
mod hostile;
mod kill;
mod model;
mod network;
mod proxy;
mod sim;
