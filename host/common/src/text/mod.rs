//! Text from outside: made safe to show, accepted as a name, read as a number.
//!
//! `escape` is what every text for people and every JSON passes on its way out; `name` says which names are refused; `number`
//! reads flags, variables and durations of the manifest.

mod escape;
mod name;
mod number;

pub use escape::{guest_text, is_unseen, json, lines, one_line};
pub use name::{NAME, PLUGIN, alike, is_word, wrong_heading, wrong_name};
pub use number::{duration, instant, json_object, json_value, number};
pub use number::{duration_field, optional_duration_field};
