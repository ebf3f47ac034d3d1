//! Finds the array of records within a JSON document, such as `{"data": […]}`. It sees each byte once and holds nothing but
//! the name of a member, so a document may be of any length.

use super::array::Array;
use crate::Pointer;
use crate::batch::{BatchBuilder, Stop, Warning, Window, rule, unescape};

/// The longest name of a member that is compared, with its escapes. It is more than any manifest has.
const LONGEST_NAME: usize = 4096;

/// Finds the records of an object that has them in an array within each of its documents.
pub(crate) struct Within {
    array: Array,
    finder: Finder,
    place: String,
    /// The array is being read.
    reading: bool,
    /// An array has been found.
    found: bool,
    /// A record stands for the object that has no array.
    told: bool,
}

impl Within {
    pub(crate) fn new(columns: &[String], depth: usize, place: &Pointer) -> Self {
        let finder = Finder::new(place.names());
        let array = Array::new(columns, depth);
        Self { array, finder, place: place.to_string(), reading: false, found: false, told: false }
    }

    /// Returns the declared columns that no record has had.
    pub(crate) fn missing(&self) -> Vec<usize> {
        self.array.missing()
    }

    /// Takes records from the window until the window or the batch ends.
    pub(crate) fn run(&mut self, window: &mut Window<'_>, batch: &mut BatchBuilder) -> Stop {
        loop {
            if self.reading {
                let stop = self.array.run_one(window, batch);
                if !self.array.is_at_end() || !matches!(stop, Stop::More) {
                    return stop;
                }
                self.reading = false;
                self.finder.leave();
            }
            let rest = &window.bytes[window.at..];
            match self.finder.find(rest) {
                Some(after) => {
                    window.at += after;
                    (self.reading, self.found) = (true, true);
                    self.array.begin();
                }
                None => {
                    window.at = window.bytes.len();
                    if window.ended && !self.found && !self.told {
                        self.told = true;
                        if batch.is_full() {
                            self.told = false;
                            return Stop::Full;
                        }
                        Warning::NoArray(self.place.clone()).note(window.warnings);
                        let detail = format!("no array at `{}`", self.place);
                        batch.reject(window.at, 0, 0, rule::MALFORMED_RECORD, detail);
                    }
                    return Stop::More;
                }
            }
        }
    }
}

/// The things that may come next in a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// A value: of the document, of a member or of an element.
    Value,
    /// A member's name, or the end of the object.
    Name,
    /// What follows a value: a comma, or the end of its container.
    After,
}

/// Walks through documents to where their arrays begin. It does not judge what it passes over.
struct Finder {
    names: Vec<Box<[u8]>>,
    /// The objects and arrays on the way that are open: for each whether it is an object, and the number of the value that
    /// comes next in it.
    open: Vec<(bool, usize)>,
    /// The number of containers that are open within one that is passed over.
    passing: usize,
    next: Next,
    /// The walk is within a string, perhaps after a backslash in it.
    string: Option<bool>,
    /// The name that is being read.
    name: Vec<u8>,
    /// The latest value has the wanted name.
    matches: bool,
}

impl Finder {
    fn new(names: &[String]) -> Self {
        Self {
            names: names.iter().map(|name| name.as_bytes().into()).collect(),
            open: Vec::new(),
            passing: 0,
            next: Next::Value,
            string: None,
            name: Vec::new(),
            matches: true,
        }
    }

    /// Goes on after the array was read.
    fn leave(&mut self) {
        self.next = Next::After;
        self.matches = false;
    }

    /// Returns the position after the opening bracket of the next wanted array, if it begins in these bytes.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|&byte| self.step(byte)).map(|bracket| bracket + 1)
    }

    /// Takes the next byte. Returns whether it opens the wanted array.
    fn step(&mut self, byte: u8) -> bool {
        if let Some(escaped) = self.string {
            return self.in_string(byte, escaped);
        }
        if self.passing > 0 {
            match byte {
                b'"' => self.string = Some(false),
                b'{' | b'[' => self.passing += 1,
                b'}' | b']' => {
                    self.passing -= 1;
                    self.next = Next::After;
                }
                _ => {}
            }
            return false;
        }
        if self.open.is_empty() && self.next == Next::After {
            // The document has ended; another may follow.
            self.next = Next::Value;
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b':' | b'\x1e' => {}
            b'"' => {
                self.name.clear();
                self.string = Some(false);
            }
            b'{' | b'[' if self.next == Next::Value && self.is_wanted() => {
                if self.open.len() == self.names.len() {
                    if byte == b'[' {
                        return true;
                    }
                    self.passing = 1;
                } else {
                    self.open.push((byte == b'{', 0));
                    self.next = if byte == b'{' { Next::Name } else { Next::Value };
                }
            }
            b'{' | b'[' => self.passing = 1,
            b'}' | b']' => {
                self.open.pop();
                self.next = Next::After;
                self.matches = false;
            }
            b',' => {
                if let Some((is_object, values)) = self.open.last_mut() {
                    *values += 1;
                    self.next = if *is_object { Next::Name } else { Next::Value };
                }
                self.matches = false;
            }
            // A number or a word.
            _ if self.next == Next::Value => self.next = Next::After,
            _ => {}
        }
        false
    }

    /// Returns whether the value that begins is on the way to the wanted one.
    fn is_wanted(&self) -> bool {
        match self.open.last() {
            None => true,
            Some((true, _)) => self.matches,
            Some((false, index)) => {
                let name = self.names.get(self.open.len() - 1);
                name.is_some_and(|name| **name == *index.to_string().as_bytes())
            }
        }
    }

    fn in_string(&mut self, byte: u8, escaped: bool) -> bool {
        let is_name = self.passing == 0 && self.next == Next::Name;
        if byte == b'"' && !escaped {
            self.string = None;
            if is_name {
                let mut name = Vec::new();
                unescape(&self.name, &mut name);
                let wanted = self.names.get(self.open.len() - 1);
                self.matches = wanted.is_some_and(|wanted| **wanted == *name);
                self.next = Next::Value;
            } else if self.passing == 0 {
                self.next = Next::After;
            }
            return false;
        }
        if is_name && self.name.len() < LONGEST_NAME {
            self.name.push(byte);
        }
        self.string = Some(byte == b'\\' && !escaped);
        false
    }
}
