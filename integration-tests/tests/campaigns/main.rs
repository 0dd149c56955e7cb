//! Every fault campaign with a few runs, so that the tests of any change pass through all of them. The figures
//! are reached by `cargo faults`.

mod disk;
mod network;
mod sim;

mod cancel;
mod hostile;
mod kill;
mod model;
mod proxy;
