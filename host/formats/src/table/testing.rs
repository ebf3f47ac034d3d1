//! Tables for tests of the writers.
