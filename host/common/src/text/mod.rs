//! Text from outside: makes it safe to show, accepts it as a name, or reads it as a number.
//!
//! Every text for people and every JSON passes `escape` on its way out. `name` decides which names are refused.
//! `number` reads flags, environment variables and the manifest's durations.

mod escape;
mod name;
mod number;

pub use escape::{guest_text, is_unseen, json, lines, one_line};
pub use name::{NAME, PLUGIN, alike, is_word, wrong_heading, wrong_name};
pub use number::{duration, instant, json_object, json_value, number};
pub use number::{duration_field, optional_duration_field};
