//! Mappings of a file: keys are known, and values have the right kind. What is wrong is told with its file and path.

use crate::number::Amount;
use crate::yaml::{Node, Value, Wrong};

/// A place in a file.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    file: &'static str,
    line: usize,
    path: String,
}

impl Place {
    pub(crate) fn of(file: &'static str, node: &Node) -> Self {
        Self { file, line: node.line, path: String::new() }
    }

    fn below(&self, key: &str, node: &Node) -> Self {
        let path = match (self.path.as_str(), key.starts_with('[')) {
            ("", _) => key.to_owned(),
            (path, true) => format!("{path}{key}"),
            (path, false) => format!("{path}.{key}"),
        };
        Self { file: self.file, line: node.line, path }
    }

    /// Returns the message of an error here.
    pub(crate) fn wrong(&self, message: impl AsRef<str>) -> String {
        let Self { file, line, path } = self;
        let colon = if path.is_empty() { "" } else { ": " };
        format!("{file}, line {line}: {path}{colon}{}", message.as_ref())
    }
}

/// Reads a file of YAML.
pub(crate) fn parse(file: &'static str, text: &str) -> Result<Node, String> {
    crate::yaml::parse(text).map_err(|Wrong { line, message }| format!("{file}, line {line}: {message}"))
}

/// The members of a mapping.
pub(crate) struct Fields<'n> {
    pub(crate) place: Place,
    members: &'n [(String, Node)],
}

impl<'n> Fields<'n> {
    /// Returns the members of a mapping whose keys are any.
    pub(crate) fn any(place: Place, node: &'n Node) -> Result<Self, String> {
        match &node.value {
            Value::Map(members) => Ok(Self { place, members }),
            _ => Err(place.wrong(format!("must be a mapping, is {}", node.kind()))),
        }
    }

    /// Returns the members of a mapping that has these keys alone.
    pub(crate) fn of(place: Place, node: &'n Node, known: &[&str]) -> Result<Self, String> {
        let fields = Self::any(place, node)?;
        match fields.members.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            Some((key, node)) => {
                let place = Place { line: node.line, ..fields.place };
                Err(place.wrong(format!("`{key}` is unknown; known: {}", known.join(", "))))
            }
            None => Ok(fields),
        }
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = (&'n str, &'n Node, Place)> {
        self.members.iter().map(|(key, node)| (key.as_str(), node, self.place.below(key, node)))
    }

    pub(crate) fn find(&self, key: &str) -> Option<(&'n Node, Place)> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, node)| (node, self.place.below(key, node)))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    pub(crate) fn get(&self, key: &str) -> Result<(&'n Node, Place), String> {
        self.find(key).ok_or_else(|| self.place.wrong(format!("`{key}` is missing")))
    }

    pub(crate) fn find_text(&self, key: &str) -> Result<Option<(&'n str, Place)>, String> {
        self.find(key).map(|(node, place)| Ok((text(node, &place)?, place))).transpose()
    }

    pub(crate) fn text(&self, key: &str) -> Result<(&'n str, Place), String> {
        let (node, place) = self.get(key)?;
        Ok((text(node, &place)?, place))
    }

    /// Returns the text of that name, which is one of `known`, or the first of them.
    pub(crate) fn choice<T: Copy>(&self, key: &str, known: &[(&str, T)]) -> Result<T, String> {
        let Some((node, place)) = self.find(key) else { return Ok(known[0].1) };
        let text = text(node, &place)?;
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let known: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            place.wrong(format!("`{text}` is unknown; known: {}", known.join(", ")))
        })
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<Amount>, String> {
        self.find(key).map(|(node, place)| number(node, &place)).transpose()
    }

    /// Returns the whole number of that name, or the default.
    pub(crate) fn whole(&self, key: &str, from: i64, to: i64, default: i64) -> Result<i64, String> {
        let Some((node, place)) = self.find(key) else { return Ok(default) };
        let wrong = || place.wrong(format!("must be a whole number from {from} to {to}, is {}", shown(node)));
        let Value::Plain(text) = &node.value else { return Err(wrong()) };
        text.parse().ok().filter(|number| (from..=to).contains(number)).ok_or_else(wrong)
    }

    /// Checks the version of the file.
    pub(crate) fn version(&self) -> Result<(), String> {
        let (node, place) = self.get("version")?;
        match &node.value {
            Value::Plain(text) if text == "1" => Ok(()),
            _ => Err(place.wrong(format!("must be 1, is {}", shown(node)))),
        }
    }
}

/// Returns the values of a list.
pub(crate) fn list<'n>(node: &'n Node, place: &Place) -> Result<Vec<(&'n Node, Place)>, String> {
    let Value::List(nodes) = &node.value else {
        return Err(place.wrong(format!("must be a list, is {}", node.kind())));
    };
    Ok(nodes.iter().enumerate().map(|(at, node)| (node, place.below(&format!("[{at}]"), node))).collect())
}

/// Returns the value as a text.
pub(crate) fn text<'n>(node: &'n Node, place: &Place) -> Result<&'n str, String> {
    node.text().ok_or_else(|| place.wrong(format!("must be a text, is {}", shown(node))))
}

/// Returns the value as an exact number.
pub(crate) fn number(node: &Node, place: &Place) -> Result<Amount, String> {
    let read = match &node.value {
        Value::Plain(text) => Amount::parse(text),
        _ => None,
    };
    read.ok_or_else(|| place.wrong(format!("must be a plain number, such as 0.05, is {}", shown(node))))
}

/// Returns a value for messages: what it is and, where that is short, how it is written.
pub(crate) fn shown(node: &Node) -> String {
    match &node.value {
        Value::Plain(text) if !text.is_empty() && text.len() <= 40 => format!("`{text}`"),
        Value::Quoted(text) if text.len() <= 40 => format!("the text `{text}`"),
        _ => node.kind().to_owned(),
    }
}
