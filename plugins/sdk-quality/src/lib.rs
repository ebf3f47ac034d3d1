//! The parts that the plugins `quality-summary` and `quality-documents` share: rows of the check's table and of the host's account, and
//! the sums of a dataset.

use smelt_sdk::prelude::*;

/// A row of the table of the check `expectations`.
#[derive(Row)]
#[expect(missing_docs, reason = "the columns are documented where the check writes them")]
pub struct Found<'a> {
    pub dataset: &'a str,
    pub object: Option<&'a str>,
    pub kind: &'a str,
    pub place: i64,
    pub expectation: Option<&'a str>,
    pub severity: Option<&'a str>,
    pub passed: Option<bool>,
    pub outcome: Option<&'a str>,
    pub dimension: Option<&'a str>,
    pub scope: Option<&'a str>,
    pub observed: Option<&'a str>,
    pub expected: Option<&'a str>,
    pub evaluated: Option<i64>,
    pub failing: Option<i64>,
    pub failing_rows: Option<&'a str>,
    pub samples: Option<&'a str>,
    pub reason: Option<&'a str>,
    pub z: Option<Decimal<4>>,
    pub median: Option<Decimal<4>>,
    pub mad: Option<Decimal<4>>,
    pub history: Option<i64>,
    pub stamp: Option<Timestamp>,
    pub sha256: Option<&'a str>,
    pub bytes: Option<i64>,
    pub decoded_bytes: Option<i64>,
    pub rules: Option<&'a str>,
    pub verdict: Option<&'a str>,
    pub decision: Option<&'a str>,
    pub why: Option<&'a str>,
    pub score: Option<Decimal<30>>,
    pub dimensions: Option<&'a str>,
    pub read: Option<i64>,
    pub malformed: Option<i64>,
    pub rows: Option<i64>,
    pub present: Option<i64>,
    pub cells: Option<i64>,
    pub name: Option<&'a str>,
    pub column_type: Option<&'a str>,
    pub missing: Option<i64>,
    pub unreadable: Option<i64>,
}

/// A row of `smelt.objects`: what became of an object.
#[derive(Row)]
#[expect(missing_docs, reason = "the columns are documented in the contract")]
pub struct Account<'a> {
    pub dataset: &'a str,
    pub object: &'a str,
    pub status: &'a str,
    pub read: i64,
    pub kept: i64,
    pub rejected: i64,
    pub superseded: i64,
    pub held: i64,
    pub repaired: i64,
}

/// The places that the check keeps a score with.
const SCORE_PLACES: u8 = 30;

/// All statuses, in the order of reports.
pub const STATUSES: [&str; 6] = ["admitted", "warned", "released", "refused", "withheld", "replaced"];

/// Returns whether objects of a status count.
pub fn counts(status: &str) -> bool {
    matches!(status, "admitted" | "warned" | "released")
}

/// Returns the file that an object is a revision of: `a.csv` of `a.csv.r02`.
pub fn file(object: &str) -> &str {
    match object.as_bytes() {
        [.., b'.', b'r', tens, ones] if object.len() > 4 && tens.is_ascii_digit() && ones.is_ascii_digit() => {
            &object[..object.len() - 4]
        }
        _ => object,
    }
}

/// An object that was judged: what the check knows of it, and what became of it.
#[derive(Clone, Copy, Default)]
#[expect(missing_docs, reason = "the fields are columns of the two relations")]
pub struct Judged<'a> {
    pub status: &'a str,
    pub score: Option<Decimal<30>>,
    pub present: i64,
    pub cells: i64,
    pub read: i64,
    pub kept: i64,
    pub rejected: i64,
    pub superseded: i64,
}

/// The sums of the objects of a dataset, or of those of a day.
#[derive(Clone, Default, Saved, Debug)]
pub struct Tally {
    /// The number of objects of each of [`STATUSES`].
    pub statuses: [i64; 6],
    /// Rows of objects that count.
    pub read: i64,
    /// Rows kept.
    pub kept: i64,
    /// Rows rejected.
    pub rejected: i64,
    /// Rows superseded.
    pub superseded: i64,
    scored: i64,
    scores: Decimal<30>,
    present: i64,
    cells: i64,
}

impl Tally {
    /// Adds an object.
    ///
    /// # Errors
    /// Fails if a sum does not fit.
    pub fn add(&mut self, object: &Judged<'_>) -> Result<()> {
        for (count, status) in self.statuses.iter_mut().zip(STATUSES) {
            *count += i64::from(status == object.status);
        }
        if let Some(score) = object.score {
            self.scored += 1;
            self.scores.increase(score)?;
        }
        if counts(object.status) {
            self.read.increase(object.read)?;
            self.kept.increase(object.kept)?;
            self.rejected.increase(object.rejected)?;
            self.superseded.increase(object.superseded)?;
            self.present.increase(object.present)?;
            self.cells.increase(object.cells)?;
        }
        Ok(())
    }

    /// Returns the number of objects.
    pub fn objects(&self) -> i64 {
        self.statuses.iter().sum()
    }

    /// Returns the number of objects of a status.
    pub fn of(&self, status: &str) -> i64 {
        STATUSES.iter().zip(self.statuses).filter(|(known, _)| **known == status).map(|(_, count)| count).sum()
    }

    /// Returns the mean score of the objects that have one.
    pub fn score(&self) -> Option<Decimal<4>> {
        quotient(self.scores.units(), i128::from(self.scored)).map(|mean| round(Decimal::from_units(mean)))
    }

    /// Returns the share of cells that are present in the objects that count.
    ///
    /// # Errors
    /// Fails if the quotient does not fit.
    pub fn completeness(&self) -> Result<Option<Decimal<4>>> {
        ratio(self.present, self.cells)
    }
}

/// Returns a quotient of counts with four places; `None` of nothing.
///
/// # Errors
/// Fails if it does not fit.
pub fn ratio(over: i64, under: i64) -> Result<Option<Decimal<4>>> {
    if under == 0 { Ok(None) } else { (Ratio::from(over) / under).round() }
}

/// Rounds a score half away from zero to the four places of reports.
pub fn round(score: Decimal<30>) -> Decimal<4> {
    let one = 10i128.pow(u32::from(SCORE_PLACES) - 4);
    quotient(score.units(), one).map(Decimal::from_units).unwrap_or_default()
}

/// Divides, and rounds half away from zero.
fn quotient(over: i128, under: i128) -> Option<i128> {
    let (whole, rest) = (over.checked_div(under)?, over.checked_rem(under)?);
    let up = rest.unsigned_abs() >= under.unsigned_abs() - rest.unsigned_abs();
    Some(if up { whole + over.signum() * under.signum() } else { whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_of_exact_scores_is_rounded_once() {
        let mut tally = Tally::default();
        for score in [999_949_999i128, 1_000_050_000] {
            let score = Some(Decimal::from_units(score * 10i128.pow(21)));
            tally.add(&Judged { status: "admitted", score, ..Judged::default() }).expect("it fits");
        }
        assert_eq!(tally.score().map(|score| score.to_string()).as_deref(), Some("1.0000"));
        assert_eq!(Tally::default().score(), None);
    }
}
