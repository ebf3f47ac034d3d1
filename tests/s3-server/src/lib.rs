//! An S3 server for tests, in the process of the test. It has real HTTP, real signatures, objects in a directory, and
//! on demand everything that goes wrong between a client and a server. The crates `s3s` and `s3s-fs` do most of S3.
//! This crate adds what they lack: racing conditional writes, preconditions of reads, and listings of many keys.
//!
//! ```
//! use smelt_s3_server::{Action, Fault, Server};
//!
//! let server = Server::start()?;
//! server.create_bucket("lake")?;
//! let lost = server.fault(Fault::new("PUT", "^lake/catalog/", Action::ActThenDrop).nth(2));
//! // … run a client against server.endpoint() …
//! assert_eq!(lost.met(), 0);
//! assert!(server.requests().is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A key must fit into the name of a file, encoded: about 150 bytes. A key cannot be the directory of another key.

mod fault;
mod front;
mod minio;
mod objects;
mod operations;
mod request;
mod server;
mod wire;

pub use fault::{Action, BUCKET_FULL, Fault, Planned};
pub use minio::Minio;
pub use request::Request;
pub use server::Server;
