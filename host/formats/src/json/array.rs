//! A JSON array of objects: its elements are the records. A malformed one costs itself only, as far as its extent can
//! be told.

use super::super::decode::{BatchBuilder, Input, Skip, Stop, Unended, Utf8Check, Warning, rule};
use super::balance::{Extent, extent};
use super::object::{Blanks, ObjectParser};
use super::{Fail, NOT_UTF8, skip_blanks};

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// An element, or the end of the empty array.
    First,
    /// An element, after a comma.
    Element,
    /// A comma or the end.
    Comma,
    /// Nothing.
    End,
}

/// Finds the records of a JSON array.
pub(in super::super) struct Array {
    objects: ObjectParser,
    place: Place,
    open: Vec<u8>,
    /// Bytes searched in vain for the ends of malformed elements.
    wasted: u64,
    /// Bytes of the array seen in finished elements.
    seen: u64,
}

impl Array {
    /// To be run from after the opening bracket.
    pub(in super::super) fn new(columns: &[String], depth: usize) -> Self {
        let objects = ObjectParser::new(columns, depth, Blanks::ACROSS_LINES);
        Self { objects, place: Place::First, open: Vec::new(), wasted: 0, seen: 0 }
    }

    /// The declared columns that no record has had.
    pub(in super::super) fn missing(&self) -> Vec<usize> {
        self.objects.missing()
    }

    /// Takes records from the window until it or the batch ends.
    pub(in super::super) fn run(&mut self, input: &mut Input<'_>, batch: &mut BatchBuilder) -> Stop {
        let bytes = input.bytes;
        let mut utf8 = Utf8Check::new();
        loop {
            let start = skip_blanks(bytes, input.at);
            input.at = start;
            let Some(&byte) = bytes.get(start) else {
                if input.ended && self.place != Place::End {
                    Warning::UnclosedArray.note(input.warnings);
                }
                return Stop::More;
            };
            match (self.place, byte) {
                (Place::End, _) => {}
                (place, b']') => {
                    if place == Place::Element {
                        Warning::ArrayCommas.note(input.warnings);
                    }
                    self.place = Place::End;
                    input.at += 1;
                    continue;
                }
                (place, b',') => {
                    if place != Place::Comma {
                        Warning::ArrayCommas.note(input.warnings);
                    }
                    self.place = Place::Element;
                    input.at += 1;
                    continue;
                }
                (Place::Comma, _) => Warning::ArrayCommas.note(input.warnings),
                (Place::First | Place::Element, _) => {}
            }
            if batch.is_full() {
                return Stop::Full;
            }
            if let Some(stop) = self.element(input, batch, &mut utf8, start) {
                return stop;
            }
            self.seen += (input.at - start) as u64;
            self.place = Place::Comma;
        }
    }

    /// Takes the element at `start`, or says why it cannot.
    #[inline(always)]
    fn element(
        &mut self,
        input: &mut Input<'_>,
        batch: &mut BatchBuilder,
        utf8: &mut Utf8Check,
        start: usize,
    ) -> Option<Stop> {
        let (view, all) = input.view(start, input.record_bytes);
        let parsed = if self.place == Place::End {
            Fail::syntax(start, "nothing after the closing bracket")
        } else {
            self.objects.parse(view, start)
        };
        let end = match parsed {
            Ok(end) if utf8.is_good(input.bytes, start, end) => {
                batch.push(input.bytes, start..end, self.objects.cells());
                end
            }
            Ok(end) => {
                batch.reject(start, (end - start) as u64, end - start, rule::INVALID_UTF8, NOT_UTF8.to_owned());
                end
            }
            Err(_) if !all => return Some(Stop::More),
            Err(fail) => match self.malformed(view, start, view.len() - start >= input.record_bytes, &fail) {
                Ok(end) => {
                    let (mut rule, mut detail) = fail.explain(start, rule::MALFORMED_RECORD);
                    if !utf8.is_good(input.bytes, start, end) {
                        (rule, detail) = (rule::INVALID_UTF8, NOT_UTF8.to_owned());
                    }
                    batch.reject(start, (end - start) as u64, end - start, rule, detail);
                    end
                }
                Err(unended) => return Some(Stop::Unended(unended)),
            },
        };
        input.at = end;
        None
    }

    /// The end of a malformed element, of which `view` holds all there is or, if `cut`, all a record may have.
    #[cold]
    #[inline(never)]
    fn malformed(&mut self, view: &[u8], start: usize, cut: bool, fail: &Fail) -> Result<usize, Unended> {
        let (mut rule, mut detail) = fail.explain(start, rule::MALFORMED_RECORD);
        let skip = match fail {
            _ if self.place == Place::End => Skip::rest(),
            // Good as far as it goes: too long a record, or a truncated array's tail.
            Fail::End if cut => {
                (rule, detail) = (rule::LINE_TOO_LONG, format!("longer than {} bytes", view.len() - start));
                self.place = Place::Comma;
                Skip::value()
            }
            Fail::End => {
                "the array is truncated in this record".clone_into(&mut detail);
                Skip::rest()
            }
            Fail::Deep | Fail::Syntax { .. } => {
                // Bytes are searched in vain only so often, or an object of unbalanced elements would take forever.
                let allowed = 16 * (view.len() - start) as u64 + 4 * self.seen;
                if self.wasted <= allowed {
                    match extent(view, start, !cut, &mut self.open) {
                        Extent::Closed(end) => return Ok(end),
                        Extent::Open => self.wasted += (view.len() - start) as u64,
                    }
                }
                self.place = Place::Element;
                Skip::brace()
            }
        };
        Err(Unended { start, skip, rule, detail })
    }
}
