//! Objects of a configuration file: keys are known, come once, and have the right kind of value.

use std::fmt;

use smelt_sdk::Fault;

use crate::json::Json;

/// A place in a configuration file that makes no sense, and what would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    /// The keys that lead to the place, joined by points; empty for the file itself.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

impl SchemaError {
    /// Returns an error at a place.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

impl std::error::Error for SchemaError {}

impl From<SchemaError> for Fault {
    fn from(error: SchemaError) -> Self {
        Self::invalid_parameters(error.to_string())
    }
}

/// The members of an object at a path, none of which comes twice.
pub struct Members<'j, 'a> {
    path: String,
    members: &'j [(std::borrow::Cow<'a, str>, Json<'a>)],
}

impl<'j, 'a> Members<'j, 'a> {
    /// Returns the members of a value, which must be an object.
    ///
    /// # Errors
    /// Fails if it is none, or has a key twice.
    pub fn of(path: impl Into<String>, value: &'j Json<'a>) -> Result<Self, SchemaError> {
        let path = path.into();
        let Json::Object(members) = value else {
            return Err(SchemaError::new(path, format!("must be an object, is {}", value.kind())));
        };
        for (index, (key, _)) in members.iter().enumerate() {
            if members[..index].iter().any(|(before, _)| before == key) {
                return Err(SchemaError::new(path, format!("`{key}` comes twice")));
            }
        }
        Ok(Self { path, members })
    }

    /// Fails if there is a member with another name than these.
    ///
    /// # Errors
    /// Names the first such member, and those that are known.
    pub fn only(self, known: &[&str]) -> Result<Self, SchemaError> {
        match self.members.iter().find(|(key, _)| !known.contains(&&**key)) {
            Some((key, _)) => {
                Err(SchemaError::new(self.path, format!("`{key}` is unknown; known: {}", known.join(", "))))
            }
            None => Ok(self),
        }
    }

    /// Returns each member with its path, in the order of the file.
    pub fn each(&self) -> impl Iterator<Item = (String, &'j str, &'j Json<'a>)> {
        self.members.iter().map(|(key, value)| (self.at(key), &**key, value))
    }

    /// Returns the path of a member.
    pub fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Returns the member of that name, if there is one.
    pub fn find(&self, key: &str) -> Option<&'j Json<'a>> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Returns the member of that name.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn get(&self, key: &str) -> Result<&'j Json<'a>, SchemaError> {
        self.find(key).ok_or_else(|| SchemaError::new(self.path.as_str(), format!("`{key}` is missing")))
    }

    /// Returns the text of that name, if there is one.
    ///
    /// # Errors
    /// Fails if it is no text.
    pub fn find_text(&self, key: &str) -> Result<Option<&'j str>, SchemaError> {
        let text = |value: &'j Json<'a>| value.text().ok_or_else(|| self.wrong(key, "a text", value));
        self.find(key).map(text).transpose()
    }

    /// Returns the boolean of that name, or false if there is none.
    ///
    /// # Errors
    /// Fails if it is no boolean.
    pub fn flag(&self, key: &str) -> Result<bool, SchemaError> {
        match self.find(key) {
            None => Ok(false),
            Some(Json::Boolean(flag)) => Ok(*flag),
            Some(value) => Err(self.wrong(key, "true or false", value)),
        }
    }

    /// Returns the values of the array of that name, or none if there is none.
    ///
    /// # Errors
    /// Fails if it is no array.
    pub fn array(&self, key: &str) -> Result<&'j [Json<'a>], SchemaError> {
        match self.find(key) {
            None => Ok(&[]),
            Some(Json::Array(values)) => Ok(values),
            Some(value) => Err(self.wrong(key, "an array", value)),
        }
    }

    fn wrong(&self, key: &str, wanted: &str, value: &Json<'_>) -> SchemaError {
        SchemaError::new(self.at(key), format!("must be {wanted}, is {}", value.kind()))
    }
}
