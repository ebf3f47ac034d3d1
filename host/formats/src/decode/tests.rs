//! Tests of what a decoder promises whatever the bytes.

mod fuzz;
mod nasty;
mod soup;
mod stream;
