//! Black-box tests: the `smelt` command and real components on real directories.

mod support;

mod smoke;
