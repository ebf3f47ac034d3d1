//! A server of a lake that tests commit themselves, over loopback: its rows, pages, interface and secrets.

mod api;
mod hostile;
mod html;
mod lake;
mod pages;
mod privacy;
mod support;
