//! TLS, passwords and tokens, end to end: on an embedded server with certificates and accounts of its own, and on
//! the real Pravega that `PRAVEGA_SECURE_CONTROLLER_URI` names, started as `real-pravega.sh run --secure` does.

#![cfg(test)]

mod certificates;
mod expiries;
mod house;
mod people;
mod wire;
