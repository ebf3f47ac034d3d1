//! A lake in buckets, on AWS or on a server that speaks its S3 protocol.
//!
//! The client works asynchronously on threads of its own; the calling thread waits.

mod answer;
mod buckets;
mod count;
mod download;
mod fault;
mod list;
mod prove;
mod put;
mod ranges;
mod reader;
mod store;
#[cfg(test)]
mod tests;
mod unfinished;
mod upload;
mod wire;

pub use store::S3Store;
