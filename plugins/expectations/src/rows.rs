//! The rows of the inputs, of the three stages and of the table.

use smelt_sdk::prelude::*;

/// The rows whose numbers have a bit each in one sum. 38 digits have room for twice as many, so that rows which came several
/// times, against the contract, would not be too large a sum.
pub(crate) const BLOCK: i64 = 60;

/// Numbers of rows as bits of a sum: a row is counted once, so adding and taking away sets and clears its bit. An object of
/// which every row fails thus has one row of a stage for 60 of its own.
pub(crate) type Bits = Decimal<0>;

/// Returns the numbers of the rows of a block whose bits are set, in order.
pub(crate) fn numbers(block: i64, bits: Bits) -> impl Iterator<Item = i64> {
    let mut left = bits.units() as u128;
    std::iter::from_fn(move || {
        let bit = left.trailing_zeros();
        (bit < u128::BITS).then(|| {
            left &= left - 1;
            block * BLOCK + i64::from(bit)
        })
    })
}

/// An object as it came.
#[derive(Row)]
pub(crate) struct Bronze<'a> {
    pub(crate) dataset: &'a str,
    pub(crate) object: &'a str,
    pub(crate) file: &'a str,
    pub(crate) revision: i64,
    pub(crate) stamp: Option<Timestamp>,
    pub(crate) sha256: &'a str,
    pub(crate) bytes: i64,
    pub(crate) unreadable: Option<&'a str>,
    pub(crate) content_sha256: Option<&'a str>,
    pub(crate) content_bytes: Option<i64>,
    pub(crate) header: Option<&'a str>,
    pub(crate) records: i64,
    pub(crate) malformed: i64,
    pub(crate) decision: Option<&'a str>,
    pub(crate) why: Option<&'a str>,
}

/// An object, as far as its content is compared with others.
#[derive(Row)]
pub(crate) struct Content<'a> {
    pub(crate) dataset: &'a str,
    pub(crate) object: &'a str,
    pub(crate) content_sha256: Option<&'a str>,
}

/// Texts that are compared. A group is a text; the values of a target sort before the rows that use it.
#[derive(Row)]
#[row(group(what, text))]
#[rustfmt::skip]
pub(crate) enum Keyed<'a> {
    Known { what: i64, text: &'a str },
    Used { what: i64, text: &'a str, rule: i64, object: &'a str, in_scope: bool, block: i64, #[sum] bits: Bits },
}

/// The records of an object. `of` is the number of a test or of a column.
///
/// Counts are gathered before they are added, and `rows` must not depend on how many were: it is 0 where another sum says
/// that the row exists.
#[derive(Row)]
#[row(group(object))]
#[rustfmt::skip]
pub(crate) enum OfObject<'a> {
    /// Cells of a column: missing ones, unreadable ones, and those that a record has.
    Column { object: &'a str, of: i64, #[sum] count: i64, #[sum] other: i64, #[sum] third: i64, #[sum] rows: i64 },
    /// Rows evaluated, and failing ones.
    Counted { object: &'a str, of: i64, #[sum] count: i64, #[sum] other: i64, #[sum] rows: i64 },
    /// Numbers of a column, and their sum in whole ones and the rest.
    Total {
        object: &'a str, of: i64, #[sum] count: i64, #[sum] whole: Bits, #[sum] part: Decimal<18>, #[sum] rows: i64,
    },
    /// A number of a column.
    Number { object: &'a str, of: i64, number: Decimal<18>, #[sum] rows: i64 },
    /// A text of a column, and how many rows have it.
    Text { object: &'a str, of: i64, text: Option<&'a str>, #[sum] rows: i64 },
    /// Failing rows.
    Failed { object: &'a str, of: i64, block: i64, #[sum] whole: Bits, #[sum] rows: i64 },
    /// Rows that have a text which should come once.
    Once { object: &'a str, of: i64, text: Option<&'a str>, block: i64, #[sum] whole: Bits, #[sum] rows: i64 },
    /// A text that another file has too, and the first row in scope that has it.
    Shared { object: &'a str, of: i64, text: Option<&'a str>, first: Option<i64>, #[sum] rows: i64 },
    /// A failing value.
    Sample { object: &'a str, of: i64, text: Option<&'a str>, #[sum] rows: i64 },
}

/// All objects of the dataset by file and revision; of each its facts, then what its records say.
#[derive(Row)]
#[row(group(), then(file, revision))]
#[rustfmt::skip]
pub(crate) enum InOrder<'a> {
    Object {
        file: &'a str, revision: i64, object: &'a str, stamp: Option<Timestamp>, sha256: &'a str, bytes: i64,
        unreadable: Option<&'a str>, content_bytes: Option<i64>, header: Option<&'a str>, records: i64, malformed: i64,
        decision: Option<&'a str>, why: Option<&'a str>,
    },
    Column { file: &'a str, revision: i64, of: i64, missing: i64, unreadable_cells: i64, present: i64 },
    Counted {
        file: &'a str, revision: i64, of: i64, evaluated: i64, failing: i64, failing_rows: &'a str, samples: &'a str,
    },
    Total { file: &'a str, revision: i64, of: i64, count: i64, total: &'a str },
    Extremes { file: &'a str, revision: i64, of: i64, least: &'a str, greatest: &'a str },
    Distinct { file: &'a str, revision: i64, of: i64, texts: i64 },
    Value { file: &'a str, revision: i64, of: i64, text: Option<&'a str>, #[sum] rows: i64 },
    Shared { file: &'a str, revision: i64, of: i64, text: Option<&'a str>, first: Option<i64> },
}

/// A row of the table. Its kind says which columns it has.
///
/// | `kind` | of | has |
/// |---|---|---|
/// | `object` | each object | what is known of it, its verdict and score |
/// | `expectation` | each expectation of an object, in the order of reports | what was observed, and whether that is right |
/// | `column` | each column of the schema of an object that was read | counts of its cells |
/// | `dataset` | `arrivals` and `fresh` | as `expectation`, without an object |
#[derive(Row, Default)]
pub(crate) struct Finding<'a> {
    pub(crate) dataset: &'a str,
    pub(crate) object: Option<&'a str>,
    pub(crate) kind: &'a str,
    /// Counts from 0 within the rows of one kind of one object.
    pub(crate) place: i64,
    pub(crate) expectation: Option<&'a str>,
    pub(crate) severity: Option<&'a str>,
    pub(crate) passed: Option<bool>,
    pub(crate) outcome: Option<&'a str>,
    pub(crate) dimension: Option<&'a str>,
    pub(crate) scope: Option<&'a str>,
    pub(crate) observed: Option<&'a str>,
    pub(crate) expected: Option<&'a str>,
    pub(crate) evaluated: Option<i64>,
    pub(crate) failing: Option<i64>,
    /// The numbers of the first failing rows, separated by blanks; of `arrivals` the missing periods.
    pub(crate) failing_rows: Option<&'a str>,
    /// A JSON array of objects.
    pub(crate) samples: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) z: Option<Decimal<4>>,
    pub(crate) median: Option<Decimal<4>>,
    pub(crate) mad: Option<Decimal<4>>,
    pub(crate) history: Option<i64>,
    pub(crate) file: Option<&'a str>,
    pub(crate) revision: Option<i64>,
    pub(crate) stamp: Option<Timestamp>,
    pub(crate) sha256: Option<&'a str>,
    pub(crate) bytes: Option<i64>,
    pub(crate) decoded_bytes: Option<i64>,
    pub(crate) rules: Option<&'a str>,
    pub(crate) verdict: Option<&'a str>,
    pub(crate) decision: Option<&'a str>,
    pub(crate) why: Option<&'a str>,
    /// The score with all the places that a sum of many scores needs.
    pub(crate) score: Option<Decimal<30>>,
    /// A JSON object of the scores of the dimensions.
    pub(crate) dimensions: Option<&'a str>,
    pub(crate) read: Option<i64>,
    pub(crate) malformed: Option<i64>,
    /// Decoded rows.
    pub(crate) rows: Option<i64>,
    /// Cells of the schema that are not missing, and all of them.
    pub(crate) present: Option<i64>,
    pub(crate) cells: Option<i64>,
    /// The name of a column, and its type.
    pub(crate) name: Option<&'a str>,
    pub(crate) column_type: Option<&'a str>,
    pub(crate) missing: Option<i64>,
    pub(crate) unreadable: Option<i64>,
}

/// Returns the file that an object is a revision of, and which one: `a.csv.r02` is the second of `a.csv`.
pub(crate) fn revision(object: &str) -> (&str, i64) {
    match object.as_bytes() {
        [.., b'.', b'r', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] if object.len() > 4 => {
            (&object[..object.len() - 4], i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
        }
        _ => (object, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_object_tells_its_file_and_revision() {
        for (object, expected) in
            [("a.csv", ("a.csv", 1)), ("a.csv.r02", ("a.csv", 2)), ("a.r2", ("a.r2", 1)), ("a.csv.r99", ("a.csv", 99))]
        {
            assert_eq!(revision(object), expected);
        }
    }

    #[test]
    fn bits_are_numbers_of_rows_in_order() {
        let bits = [0u32, 1, 59].map(|bit| 1i128 << bit).iter().sum();
        assert_eq!(numbers(2, Bits::from_units(bits)).collect::<Vec<_>>(), [120, 121, 179]);
        assert!(numbers(7, Bits::from_units(0)).next().is_none());
        assert!((1i128 << BLOCK) - 1 < 10i128.pow(38));
    }
}
