//! JSON arrays of objects, one after the other: their elements are the records. A malformed element costs only itself, as far as its end can
//! be found.

use super::balance::{Extent, extent};
use super::blanks::{Blanks, skip_separators};
use super::fail::Fail;
use super::object::ObjectParser;
use crate::batch::{BatchBuilder, NOT_UTF8, Skip, Stop, Unended, Utf8Check, Warning, Window, rule};

/// The things that may come next in the array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// An element, or the end of the empty array.
    First,
    /// An element, after a comma.
    Element,
    /// A comma, or the end of the array.
    Comma,
    /// Another array, or nothing: the array has ended.
    End,
}

/// Finds the records of a JSON array.
pub(crate) struct Array {
    objects: ObjectParser,
    next: Next,
    open: Vec<u8>,
    /// The bytes that were searched in vain for the ends of malformed elements.
    wasted: u64,
    /// The bytes of the finished elements.
    seen: u64,
}

impl Array {
    /// Returns a parser that is to run from after the opening bracket.
    pub(crate) fn new(columns: &[String], depth: usize) -> Self {
        let objects = ObjectParser::new(columns, depth, Blanks::ACROSS_LINES);
        Self { objects, next: Next::First, open: Vec::new(), wasted: 0, seen: 0 }
    }

    /// Returns whether the array has ended.
    pub(super) fn is_at_end(&self) -> bool {
        self.next == Next::End
    }

    /// Begins another array.
    pub(super) fn begin(&mut self) {
        self.next = Next::First;
    }

    /// Returns the declared columns that no record has had.
    pub(crate) fn missing(&self) -> Vec<usize> {
        self.objects.missing()
    }

    /// Takes records of arrays one after the other from the window until the window or the batch ends.
    pub(crate) fn run(&mut self, window: &mut Window<'_>, batch: &mut BatchBuilder) -> Stop {
        self.take(window, batch, false)
    }

    /// Takes records of one array until the array, the window or the batch ends.
    pub(super) fn run_one(&mut self, window: &mut Window<'_>, batch: &mut BatchBuilder) -> Stop {
        self.take(window, batch, true)
    }

    #[inline(always)]
    fn take(&mut self, window: &mut Window<'_>, batch: &mut BatchBuilder, one: bool) -> Stop {
        let bytes = window.bytes;
        let mut utf8 = Utf8Check::new();
        loop {
            let start = skip_separators(bytes, window.at);
            window.at = start;
            let Some(&byte) = bytes.get(start) else {
                if window.ended && self.next != Next::End {
                    Warning::UnclosedArray.note(window.warnings);
                }
                return Stop::More;
            };
            match (self.next, byte) {
                (Next::End, b'[') => {
                    self.next = Next::First;
                    window.at += 1;
                    continue;
                }
                (Next::End, _) => {}
                (next, b']') => {
                    if next == Next::Element {
                        Warning::ArrayCommas.note(window.warnings);
                    }
                    self.next = Next::End;
                    window.at += 1;
                    if one {
                        return Stop::More;
                    }
                    continue;
                }
                (next, b',') => {
                    if next != Next::Comma {
                        Warning::ArrayCommas.note(window.warnings);
                    }
                    self.next = Next::Element;
                    window.at += 1;
                    continue;
                }
                (Next::Comma, _) => Warning::ArrayCommas.note(window.warnings),
                (Next::First | Next::Element, _) => {}
            }
            if batch.is_full() {
                return Stop::Full;
            }
            if let Some(stop) = self.element(window, batch, &mut utf8, start) {
                return stop;
            }
            self.seen += (window.at - start) as u64;
            self.next = Next::Comma;
        }
    }

    /// Takes the element at `start`. Returns why it could not.
    #[inline(always)]
    fn element(
        &mut self,
        window: &mut Window<'_>,
        batch: &mut BatchBuilder,
        utf8: &mut Utf8Check,
        start: usize,
    ) -> Option<Stop> {
        let (view, all) = window.view(start, window.record_bytes);
        let parsed = if self.next == Next::End {
            Fail::syntax(start, "nothing but another array after the closing bracket")
        } else {
            self.objects.parse(view, start)
        };
        let end = match parsed {
            Ok(end) if utf8.is_good(window.bytes, start, end) => {
                batch.push(window.bytes, start..end, self.objects.cells());
                end
            }
            Ok(end) => {
                batch.reject(start, (end - start) as u64, end - start, rule::INVALID_UTF8, NOT_UTF8.to_owned());
                end
            }
            Err(_) if !all => return Some(Stop::More),
            Err(fail) => match self.malformed(view, start, view.len() - start >= window.record_bytes, &fail) {
                Ok(end) => {
                    let (mut rule, mut detail) = fail.explain(start, rule::MALFORMED_RECORD);
                    if !utf8.is_good(window.bytes, start, end) {
                        (rule, detail) = (rule::INVALID_UTF8, NOT_UTF8.to_owned());
                    }
                    batch.reject(start, (end - start) as u64, end - start, rule, detail);
                    end
                }
                Err(unended) => return Some(Stop::Unended(unended)),
            },
        };
        window.at = end;
        None
    }

    /// Returns the end of a malformed element. `view` holds all there is of it or, if `cut`, as much as a record may
    /// have.
    #[cold]
    #[inline(never)]
    fn malformed(&mut self, view: &[u8], start: usize, cut: bool, fail: &Fail) -> Result<usize, Unended> {
        let (mut rule, mut detail) = fail.explain(start, rule::MALFORMED_RECORD);
        let skip = match fail {
            _ if self.next == Next::End => Skip::rest(),
            // The bytes so far are valid JSON: the record is too long.
            Fail::End if cut => {
                (rule, detail) = (rule::LINE_TOO_LONG, format!("longer than {} bytes", view.len() - start));
                self.next = Next::Comma;
                Skip::value()
            }
            Fail::End => {
                "the array is truncated in this record".clone_into(&mut detail);
                Skip::rest()
            }
            Fail::Deep | Fail::Syntax { .. } | Fail::Trailing { .. } => {
                // The bytes that may be searched in vain are limited. Otherwise an object of unbalanced elements would
                // take for ever.
                let allowed = 16 * (view.len() - start) as u64 + 4 * self.seen;
                if self.wasted <= allowed {
                    match extent(view, start, !cut, &mut self.open) {
                        Extent::Closed(end) => return Ok(end),
                        Extent::Open => self.wasted += (view.len() - start) as u64,
                    }
                }
                self.next = Next::Element;
                Skip::brace()
            }
        };
        Err(Unended { start, skip, rule, detail })
    }
}
