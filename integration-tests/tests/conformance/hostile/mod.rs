//! Peers that cannot be trusted, and bad frames of every kind, at every moment of a connection: rows P1 to P4 of the fault table.
//!
//! An honest embedded server is spoken to through a [`relay`](door) in memory that puts one bad frame between its
//! replies. The client closes the connection or ignores the frame, as the rows say; it does not panic or hang, and
//! what it does for its user is done once, and right.

mod certificates;
mod door;
mod falsehoods;
mod frames;
mod moments;
