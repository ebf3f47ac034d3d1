//! Pages: dashboards as files, `pages/<page>.toml` beside a manifest.

mod check;
mod data;
mod draw;
mod folder;
pub(crate) mod numbers;
mod picture;
mod render;
mod section;
mod still;
mod view;

pub use check::parse;
pub use folder::{Folder, Page};
pub(crate) use render::{csv, render};
pub use section::PageSection;
pub(crate) use still::{Still, state_of};
