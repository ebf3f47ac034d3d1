//! How the values of a column are written for people.

use arrow_schema::DataType;

use super::section::{ChartSection, FormatName};
use crate::charts::{Locale, NumberFormat};
use crate::frame::{Cell, Frame};

/// A `f64` has all digits of smaller whole numbers.
const EXACT: u128 = 9_000_000_000_000_000;

/// Returns how a column's numbers are written: as the chart says, or else with the places of its type.
pub(crate) fn format_of(frame: &Frame, column: usize, chart: Option<&ChartSection>) -> NumberFormat {
    let field = frame.schema().field(column);
    let places = match field.data_type() {
        DataType::Decimal128(_, scale) => scale.unsigned_abs(),
        DataType::Float64 => 2,
        _ => 0,
    };
    let named = chart.and_then(|chart| chart.format.get(field.name()).or_else(|| chart.format.get("*")));
    match named {
        Some(FormatName::Percent) => NumberFormat::Percent(1),
        Some(FormatName::Money) => {
            NumberFormat::Money { decimals: 2, currency: chart.and_then(|chart| chart.unit.clone()) }
        }
        Some(FormatName::Integer) => NumberFormat::Integer,
        Some(FormatName::Number) | None if places == 0 => NumberFormat::Integer,
        Some(FormatName::Number) | None => NumberFormat::Decimal(places),
    }
}

/// Writes a value.
pub(crate) fn text_of(value: &Cell, format: &NumberFormat, locale: &Locale) -> String {
    match (value, value.number()) {
        (Cell::Missing, _) => String::new(),
        (Cell::Boolean(true), _) => "yes".to_owned(),
        (Cell::Boolean(false), _) => "no".to_owned(),
        (Cell::Date(_) | Cell::Timestamp(_), _) => locale.date(&value.text()),
        (_, Some(number)) if has_its_digits(value) => format.text(number, locale),
        _ => value.text(),
    }
}

/// Returns whether a `f64` has all digits of the number.
fn has_its_digits(value: &Cell) -> bool {
    match *value {
        Cell::Int(value) => u128::from(value.unsigned_abs()) < EXACT,
        Cell::Decimal(value, _) => value.unsigned_abs() < EXACT,
        Cell::Float(value) => value.abs() < EXACT as f64,
        _ => true,
    }
}

/// Returns whether the values of a column stand at the right of a table.
pub(crate) fn is_number(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::Float64 | DataType::Decimal128(..))
}

/// Returns the words for a column: those of the chart, or its name without underscores.
pub(crate) fn words_of(name: &str, chart: Option<&ChartSection>) -> String {
    let given = chart.and_then(|chart| chart.names.get(name));
    given.cloned().unwrap_or_else(|| {
        let words = name.replace('_', " ");
        let mut letters = words.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
        format!("{}{}", first.unwrap_or_default(), letters.as_str())
    })
}
