//! The scripts, by what they are about. The names of their files are those of their records.

mod configuration;
mod listing;
mod names;
mod others;
mod scale;
mod scope;
mod seal_and_delete;
mod segments;
mod stream;
mod truncate;
