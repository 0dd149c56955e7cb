//! Exact counts: what one byte, one write and one MiB cost, whatever the machine. No test looks at a clock.
//!
//! The client runs on the thread of the test, the server on another: allocations and page faults are counted by
//! thread, and calls of the socket and addresses of payload at the seam where the client dials.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod codec;
mod instructions;
mod reading;
mod scene;
mod seam;
mod watched;
mod writing;
