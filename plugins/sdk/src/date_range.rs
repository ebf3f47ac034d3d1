//! Dates of bronze rows: read in every form that people write, and held against the range that the manifest allows.

use crate::{Config, Date, Fault, Parameters, Result};

/// The dates that a cleaner accepts, as the parameters `earliest` and `latest` of its manifest say.
///
/// ```
/// # use smelt_sdk::{Config, DateFlaw, DateRange, Parameters};
/// # let schema = DateRange::declare(Parameters::none()).schema();
/// # let config = Config::new("{}", &schema, None)?;
/// let range = DateRange::open(&config)?;
/// let (date, reformatted) = range.read(Some("13/11/2025")).expect("a date in the range");
/// assert_eq!((date.to_string().as_str(), reformatted), ("2025-11-13", true));
/// assert_eq!(range.read(Some("32/13/2025")), Err(DateFlaw::Invalid));
/// # Ok::<_, smelt_sdk::Fault>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct DateRange {
    earliest: Date,
    latest: Date,
}

/// A flaw of the date of a row. A cleaner has a rule for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateFlaw {
    /// There is no date.
    Missing,
    /// The text has none of the forms of a date, or the day does not exist.
    Invalid,
    /// The date is before the earliest or after the latest one.
    OutOfRange,
}

impl DateRange {
    /// Declares the parameters `earliest` and `latest`: by default 2000-01-01 and 2099-12-31, because the dates that
    /// stand for "none" in other systems (`1900-01-01`, `9999-12-31`) lie outside.
    pub fn declare(parameters: Parameters) -> Parameters {
        parameters.text("earliest", "2000-01-01", "The first date that is accepted, `YYYY-MM-DD`.").text(
            "latest",
            "2099-12-31",
            "The last date that is accepted, `YYYY-MM-DD`.",
        )
    }

    /// Reads the parameters that [`declare`](Self::declare) declared.
    ///
    /// # Errors
    /// Fails if one of them is no date, or if no date lies between them.
    pub fn open(config: &Config) -> Result<Self> {
        let (earliest, latest) = (parameter(config, "earliest")?, parameter(config, "latest")?);
        match earliest <= latest {
            true => Ok(Self { earliest, latest }),
            false => Err(Fault::invalid_parameters(format!(
                "parameter `earliest` must not be after `latest`, is {earliest}, after {latest}"
            ))),
        }
    }

    /// Reads a trimmed cell: `YYYY-MM-DD`, or another form as in [`Date::parse_other_form`]. Returns the date, and
    /// whether it has another form.
    ///
    /// # Errors
    /// Returns the first flaw in the order of [`DateFlaw`].
    pub fn read(self, cell: Option<&str>) -> Result<(Date, bool), DateFlaw> {
        let text = cell.ok_or(DateFlaw::Missing)?;
        let (date, reformatted) = match Date::parse(text) {
            Some(date) => (date, false),
            None => (Date::parse_other_form(text).ok_or(DateFlaw::Invalid)?, true),
        };
        match self.earliest <= date && date <= self.latest {
            true => Ok((date, reformatted)),
            false => Err(DateFlaw::OutOfRange),
        }
    }
}

fn parameter(config: &Config, name: &str) -> Result<Date> {
    let text = config.text(name)?;
    Date::parse(text).ok_or_else(|| {
        Fault::invalid_parameters(format!("parameter `{name}` must be a date such as `2025-01-31`, is `{text}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(parameters: &str) -> Result<DateRange> {
        DateRange::open(&Config::new(parameters, &DateRange::declare(Parameters::none()).schema(), None)?)
    }

    #[track_caller]
    fn assert_read(range: DateRange, text: &str, expected: Result<(&str, bool), DateFlaw>) {
        let is = range.read(Some(text)).map(|(date, reformatted)| (date.to_string(), reformatted));
        assert_eq!(is, expected.map(|(date, reformatted)| (date.to_owned(), reformatted)), "{text}");
    }

    #[test]
    fn only_the_usual_form_is_not_reformatted() {
        let range = range("{}").expect("the defaults are a range");
        assert_read(range, "2024-02-29", Ok(("2024-02-29", false)));
        assert_read(range, "2024/02/29", Ok(("2024-02-29", true)));
        assert_read(range, "29/02/2024", Ok(("2024-02-29", true)));
        assert_read(range, "29-02-2024", Ok(("2024-02-29", true)));
        assert_read(range, "2024-02-29T23:30:00-02:00", Ok(("2024-03-01", true)));
        assert_read(range, "2024-02-29 23:30:00-02", Ok(("2024-03-01", true)));
    }

    #[test]
    fn flaws_come_in_order() {
        let range = range("{}").expect("the defaults are a range");
        assert_eq!(range.read(None), Err(DateFlaw::Missing));
        for text in ["2023-02-29", "1900-02-29", "9999-12-32", "32/13/2025", "not a date"] {
            assert_read(range, text, Err(DateFlaw::Invalid));
        }
        for text in ["1999-12-31", "31/12/1999", "2100-01-01", "9999-12-31", "2099-12-31T23:59:59-00:01"] {
            assert_read(range, text, Err(DateFlaw::OutOfRange));
        }
    }

    #[test]
    fn both_ends_belong_to_the_range() {
        let range = range(r#"{"earliest": "2025-01-01", "latest": "2025-01-01"}"#).expect("a day is a range");
        assert_read(range, "2024-12-31", Err(DateFlaw::OutOfRange));
        assert_read(range, "2025-01-01", Ok(("2025-01-01", false)));
        assert_read(range, "2025-01-02", Err(DateFlaw::OutOfRange));
        // The date in UTC counts, not the one that is written.
        assert_read(range, "2024-12-31T23:30:00-01:00", Ok(("2025-01-01", true)));
        assert_read(range, "2025-01-01T00:30:00+01:00", Err(DateFlaw::OutOfRange));
    }

    #[test]
    fn parameters_that_are_no_range_are_refused() {
        for (parameters, message) in [
            (
                r#"{"earliest": "01/01/2025"}"#,
                "parameter `earliest` must be a date such as `2025-01-31`, is `01/01/2025`",
            ),
            (r#"{"latest": "2025-02-30"}"#, "parameter `latest` must be a date such as `2025-01-31`, is `2025-02-30`"),
            (r#"{"latest": 2025}"#, "parameter `latest` must be a text, is 2025"),
            (
                r#"{"earliest": "2025-01-02", "latest": "2025-01-01"}"#,
                "parameter `earliest` must not be after `latest`, is 2025-01-02, after 2025-01-01",
            ),
        ] {
            assert_eq!(range(parameters).expect_err(parameters).message, message);
        }
    }
}
