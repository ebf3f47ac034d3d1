//! The server's shell over real sockets on loopback: each test fails if the bound that it names is gone.

mod bounds;
mod crowds;
mod login;
mod requests;
mod shutdown;
mod support;
