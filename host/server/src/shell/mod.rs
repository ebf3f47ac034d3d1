//! Connections, and who may open them: HTTP with a bound on everything that a client can take, in front of a router that
//! knows nothing of it.
//!
//! [`bind`] listens, and [`Listening::serve`] serves an [`axum::Router`] whose routes are without the base path. A socket
//! passes its bytes through `gate` to hyper; `drive` watches the clock; `crowd` decides who leaves when there are too many
//! connections. A request then passes `front`: host, path, method, site, login, and the handler with a time limit.
//! A handler that blocks runs in [`Blocking`], one that tells of news streams [`Events`], and one that has nothing to show
//! returns a [`Refusal`].

mod attempts;
mod body;
mod crowd;
mod drive;
mod events;
mod front;
mod gate;
mod guard;
mod head;
mod headers;
mod link;
mod listening;
mod login;
mod panics;
mod path;
mod pool;
mod refusal;
mod sessions;
mod settings;
mod token;

pub use events::Events;
pub use listening::{Listening, bind};
pub use login::Reader;
pub use path::{Base, encoded};
pub use pool::{Blocking, Waited};
pub use refusal::Refusal;
pub use settings::{HttpLimits, Listen, ShellSettings};
pub use token::{TOKEN_VARIABLE, Token};
