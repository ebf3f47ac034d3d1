//! JSON Pointers, RFC 6901: the place of a value in a JSON document.

use serde::Deserialize;

/// The most names in a pointer: as many as a record may have levels by default.
const MOST: usize = 64;

/// A place in a JSON document: the names of members on the way to it. A number may also be the index in an array.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(try_from = "String")]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// Reads a pointer such as `/session/id`.
    ///
    /// # Errors
    /// The text is no pointer to a place within a document. The error says what would have been right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(names) = text.strip_prefix('/') else {
            return Err(format!("a JSON Pointer begins with `/`, as `/{text}` does"));
        };
        let names: Vec<String> = names.split('/').map(name).collect::<Result<_, _>>()?;
        match names.len() {
            0..=MOST => Ok(Self(names)),
            more => Err(format!("a JSON Pointer has at most {MOST} names, not {more}")),
        }
    }

    /// Returns the names on the way.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Returns the pointer that a name of a column in JSON is: `/a/b` is one, `a` is the member `a` of the record.
    ///
    /// # Errors
    /// The name has a `/`, but is no pointer.
    pub fn of_column(name: &str) -> Result<Self, String> {
        if name.contains('/') { Self::parse(name) } else { Ok(Self(vec![name.to_owned()])) }
    }
}

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|name| write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")))
    }
}

/// Returns the name that stands between two `/`. In it `~1` is a `/`, and `~0` a `~`.
fn name(escaped: &str) -> Result<String, String> {
    let mut pieces = escaped.split('~');
    let mut name = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (character, rest) = match (piece.strip_prefix('0'), piece.strip_prefix('1')) {
            (Some(rest), _) => ('~', rest),
            (_, Some(rest)) => ('/', rest),
            _ => return Err("in a JSON Pointer `~0` is a `~` and `~1` a `/`; no other `~` is allowed".to_owned()),
        };
        name.push(character);
        name.push_str(rest);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_read_as_the_rfc_has_them() {
        for (text, names) in [
            ("/foo", &["foo"][..]),
            ("/foo/0", &["foo", "0"]),
            ("/", &[""]),
            ("/a~1b", &["a/b"]),
            ("/m~0n", &["m~n"]),
            ("/~01", &["~1"]),
            ("/ ", &[" "]),
            ("/k\"l//é", &["k\"l", "", "é"]),
        ] {
            let pointer = Pointer::parse(text).expect(text);
            assert_eq!(
                (pointer.names(), pointer.to_string().as_str()),
                (&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()[..], text)
            );
        }
        for wrong in ["", "a/b", "/~", "/~2", "/a~"] {
            assert!(Pointer::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Pointer::parse(&"/a".repeat(65)).is_err());
        assert_eq!(Pointer::of_column("a~b"), Ok(Pointer(vec!["a~b".to_owned()])));
    }
}
