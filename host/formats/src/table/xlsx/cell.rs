//! Cells of a sheet: exact, or else as text.

use rust_xlsxwriter::{Format, Worksheet, XlsxError};

use crate::values::{Kind, Values, View, write_date, write_decimal, write_f64, write_i64, write_timestamp};

/// The longest text of a cell, in units of UTF-16.
pub(super) const LONGEST_TEXT: usize = 32_767;

/// Excel keeps 15 significant digits of a number.
const DIGITS: u32 = 15;

/// A number format has at most so many places.
const PLACES: u8 = 30;

/// Excel counts days from 1899-12-30, but takes 1900 for a leap year. So it is right from 1900-03-01 on.
const FIRST_SERIAL: i64 = 61;
const LAST_SERIAL: i64 = 2_958_465;
const SERIAL_OF_1970: i64 = 25_569;

const DAY: i64 = 86_400_000_000;

/// Returns how the numbers of a column look, and how wide the column is, in characters.
pub(super) fn look(kind: Kind) -> (Option<Format>, u8) {
    let (format, width) = match kind {
        Kind::Bool => return (None, 8),
        Kind::Float => return (None, 12),
        Kind::Text => return (None, 20),
        Kind::Int => ("0".to_owned(), 12),
        Kind::Date => ("yyyy-mm-dd".to_owned(), 11),
        Kind::Timestamp => ("yyyy-mm-dd hh:mm:ss".to_owned(), 19),
        Kind::Decimal { scale: 0, .. } => ("#,##0".to_owned(), 12),
        Kind::Decimal { scale, .. } => (format!("#,##0.{}", "0".repeat(scale.min(PLACES).into())), 14),
    };
    (Some(Format::new().set_num_format(format)), width)
}

/// Writes a cell. What Excel would change is written as the text that CSV has for it.
pub(super) fn write(
    sheet: &mut Worksheet,
    (at, column): (u32, u16),
    view: &View<'_>,
    row: usize,
) -> Result<(), XlsxError> {
    if view.is_null(row) {
        return Ok(());
    }
    let mut text = Vec::new();
    let number = match &view.values {
        Values::Bool(values) => return sheet.write_boolean(at, column, values.value(row)).map(|_| ()),
        Values::Text(texts) => return sheet.write_string(at, column, texts.value(row)).map(|_| ()),
        Values::Int(values) => {
            write_i64(values[row], &mut text);
            is_exact(values[row].into()).then(|| values[row] as f64)
        }
        Values::Float(values) => {
            write_f64(values[row], &mut text);
            values[row].is_finite().then_some(values[row])
        }
        Values::Date(values) => {
            write_date(values[row], &mut text).expect("the range of every value was checked");
            serial(values[row].into()).map(|serial| serial as f64)
        }
        Values::Timestamp(values) => {
            write_timestamp(values[row], &mut text).expect("the range of every value was checked");
            let (day, of_day) = (values[row].div_euclid(DAY), values[row].rem_euclid(DAY));
            serial(day).map(|serial| serial as f64 + of_day as f64 / DAY as f64)
        }
        Values::Decimal { values, scale, most: _ } => {
            write_decimal(values[row], *scale, &mut text);
            // The nearest number of those that Excel has: with so few digits it shows the same decimal again.
            let fits = *scale <= PLACES && is_exact(values[row]);
            fits.then(|| std::str::from_utf8(&text).ok()?.parse().ok()).flatten()
        }
    };
    match number {
        Some(number) => sheet.write_number(at, column, number)?,
        None => sheet.write_string(at, column, String::from_utf8_lossy(&text))?,
    };
    Ok(())
}

/// Returns whether the number has so few digits, apart from zeros at its end, that Excel keeps all.
fn is_exact(mut number: i128) -> bool {
    let least = 10_i128.pow(DIGITS);
    while number.abs() >= least && number % 10 == 0 {
        number /= 10;
    }
    number.abs() < least
}

/// Returns Excel's number of a day since 1970, if Excel has that day.
fn serial(day: i64) -> Option<i64> {
    let serial = day + SERIAL_OF_1970;
    (FIRST_SERIAL..=LAST_SERIAL).contains(&serial).then_some(serial)
}
