//! Black-box tests: the `smelt` command and real components on real directories.

#![expect(unreachable_pub, reason = "`pub` in a test says what its other files use; nothing links it")]

mod support;

mod accounting;
mod arrivals;
mod backends;
mod bad_input;
mod bad_objects;
mod boundary;
mod bounded;
mod cases;
mod clock;
mod components;
mod conformance;
mod contract;
mod crash;
mod determinism;
mod faults;
mod function;
mod gate;
mod graph;
mod hostile;
mod incremental;
mod inspect;
mod integrity;
mod judged;
mod languages;
mod lock;
mod lost;
mod machine;
mod named_files;
mod new;
mod one_object;
mod output;
mod pages;
mod parquet;
mod privacy;
mod profile;
mod promotion;
mod provenance;
mod quarantine;
mod random;
mod readers;
mod recognised;
mod refusals;
mod retail;
mod rollback;
mod s3;
mod services;
mod smoke;

mod story;
mod strangers;
mod ticks;
mod unused;
mod weather;
mod world_files;
