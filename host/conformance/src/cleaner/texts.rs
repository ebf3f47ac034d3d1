//! Rows for cleaners: text as bronze may have it. The content of a column is guessed from the type of the output column
//! of the same name, if there is one.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::rows::{BATCH_BYTES, BATCH_ROWS, Dice, InputRows, NamedRows, cut, joined};
use crate::samples::Samples;
use crate::unicode::UNICODE;
use smelt_runtime::CleanerSpec;

/// The number of generated rows.
const GENERATED: usize = 2000;
/// The bytes of the longest text: those of the longest record that is decoded by default.
const HUGE: usize = 1 << 20;

/// Numbers and times that a careless parser refuses, rounds or overflows at.
const NUMBERS: &[&str] = &[
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551616",
    "999999999999999999999999999999999999.99",
    "-999999999999999999999999999999999999.99",
    "99999999999999999999999999999999999999",
    "100000000000000000000000000000000000000",
    "1e308",
    "-1e308",
    "1e309",
    "1e-400",
    "5e-324",
    "0.000000000000000000000000000000000000001",
    "0.005",
    "-0",
    "-0.00",
    "NaN",
    "nan",
    "inf",
    "-Infinity",
    "1e999999999999",
    "1E+2",
    ".",
    "-",
    "+1",
    "1.",
    ".5",
    "1,000",
    "0x10",
    "1_000",
    "0000-01-01",
    "9999-12-31",
    "10000-01-01",
    "-0001-01-01",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-23:59",
    "0000-01-01T00:00:00+23:59",
    "2016-12-31T23:59:60Z",
    "2025-02-29",
    "2024-02-29T24:00:00Z",
];

/// The cells of a row. `None` is missing.
pub(super) type Cells = Vec<Option<String>>;

/// Texts at the edges of rules: empty, blank, signs, words for "nothing", and texts that only look like numbers.
const EDGES: &[&str] =
    &["", " ", "\t ", "0", "00", "-0", "1", "-1", "0.0", "-", "+", ".", "null", "NULL", "None", "N/A", "NA", "'", "\""];
/// The most characters of a long text.
const LONG: usize = 5000;

/// Returns the columns of the input, and the likely type of each.
fn columns(spec: &CleanerSpec) -> (SchemaRef, Vec<Option<DataType>>) {
    let fields: Vec<_> = spec.input.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    let likely = |name: &String| spec.output.field_with_name(name).map(|field| field.data_type().clone()).ok();
    (Arc::new(Schema::new(fields)), spec.input.iter().map(likely).collect())
}

/// Returns a batch without rows.
pub(super) fn none(spec: &CleanerSpec) -> RecordBatch {
    RecordBatch::new_empty(columns(spec).0)
}

/// Returns random rows, of which some have equal cells and some are like no other. They are generated, or from golden
/// cases. Some of both have a cell that software often gets wrong, that stands in the component, or that resembles one
/// of a case.
pub(super) fn pool(
    spec: &CleanerSpec,
    words: Vec<String>,
    samples: &Samples<Vec<Cells>>,
    dice: &mut Dice,
) -> RecordBatch {
    let (schema, likely) = columns(spec);
    let own = &samples.rows;
    let base = |dice: &mut Dice| -> Cells {
        match own.len() {
            0 => likely.iter().map(|likely| Some(suited(likely.as_ref(), dice))).collect(),
            _ if dice.percent(40) => likely.iter().map(|likely| Some(suited(likely.as_ref(), dice))).collect(),
            many => own[dice.below(many as u64) as usize].clone(),
        }
    };
    let mut rows: Vec<Cells> = (0..120).map(|_| generated(&likely, dice)).collect();
    if likely.is_empty() {
        return batch(&schema, &rows);
    }
    let mut special = |count: usize, dice: &mut Dice, cell: &dyn Fn(Option<&str>, &mut Dice) -> Option<String>| {
        for _ in 0..count {
            let mut row = base(dice);
            let column = dice.below(row.len() as u64) as usize;
            row[column] = cell(row[column].as_deref(), dice);
            rows.push(row);
        }
    };
    special(60, dice, &|_, dice| Some(rare(dice)));
    special(100, dice, &|_, dice| Some(hard(dice)));
    special(if own.is_empty() { 0 } else { 60 }, dice, &|cell, dice| Some(mutated(cell.unwrap_or_default(), dice)));
    special(if own.is_empty() { 0 } else { 40 }, dice, &|cell, _| cell.map(str::to_owned));
    for _ in 0..if own.is_empty() { 0 } else { 40 } {
        let cell = |column: usize| own[dice.below(own.len() as u64) as usize][column].clone();
        rows.push((0..likely.len()).map(cell).collect());
    }
    for word in words {
        let mut row = base(dice);
        let column = dice.below(row.len() as u64) as usize;
        row[column] = Some(word);
        rows.push(row);
    }
    rows.iter_mut().for_each(filled);
    batch(&schema, &rows)
}

/// Fills a row that is empty, since empty rows are for the batch `all missing`.
fn filled(row: &mut Cells) {
    if !row.iter().flatten().any(|cell| !cell.trim().is_empty()) {
        row.fill(Some("k0".to_owned()));
    }
}

/// Returns a text that no other row is likely to have: digits, letters or both, short or long.
fn rare(dice: &mut Dice) -> String {
    let (length, bits) = (1 + dice.below(16) as usize, 1 + dice.below(40));
    let letters: &[char] = match dice.below(4) {
        0 => &['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
        1 => &['a', 'b', 'c', 'x', 'y', 'z'],
        2 => &['A', 'B', 'C', 'X', 'Y', 'Z', '-', '_'],
        _ => &['a', 'Z', '7', '-', '.', ':', '/', '@', ' ', 'é', '0', '9'],
    };
    match dice.below(3) {
        0 => format!("k{}", dice.below(1 << bits)),
        _ => (0..length).map(|_| dice.pick(letters)).collect(),
    }
}

/// Returns a text that software often gets wrong.
fn hard(dice: &mut Dice) -> String {
    match dice.below(10) {
        0..3 => dice.pick(UNICODE).to_owned(),
        3..6 => dice.pick(NUMBERS).to_owned(),
        6 => dice.pick(&["x", "é", "7", " "]).repeat(1 + dice.below(LONG as u64 / 2) as usize),
        _ => dice.pick(EDGES).to_owned(),
    }
}

/// Returns a text that resembles the given one.
fn mutated(text: &str, dice: &mut Dice) -> String {
    let letters: Vec<char> = text.chars().collect();
    let at = dice.below(letters.len().max(1) as u64) as usize;
    let digit = char::from(b'0' + dice.below(10) as u8);
    match dice.below(9) {
        0 => format!("{text}{digit}"),
        1 => letters.iter().take(at).collect(),
        2 => letters.iter().skip(at).collect(),
        3 => text.to_uppercase(),
        4 => text.to_lowercase(),
        5 => format!(" {text} "),
        6 => format!("{text}{text}"),
        7 => format!("-{text}"),
        _ => (0..).zip(&letters).map(|(index, &letter)| if index == at { digit } else { letter }).collect(),
    }
}

/// Returns the batches that every cleaner is sent.
pub(super) fn make(spec: &CleanerSpec) -> Vec<NamedRows> {
    let (schema, likely) = columns(spec);
    let columns = likely.len();
    let mut dice = Dice::new();
    let mut plausible = || -> Cells { likely.iter().map(|likely| Some(suited(likely.as_ref(), &mut dice))).collect() };

    let one = vec![plausible()];
    let huge_bytes = HUGE.min(BATCH_BYTES / 2 / columns.max(1));
    let huge = (0..columns).map(|column| {
        let mut row = plausible();
        // The characters have one, two and four bytes.
        let character = ["x", "é", "🦀"][column % 3];
        row[column] = Some(character.repeat(huge_bytes / character.len()));
        row
    });
    let huge: Vec<_> = huge.collect();
    let mut everywhere = |texts: &[&str]| {
        let mut rows = Vec::new();
        for &text in texts {
            rows.push(vec![Some(text.to_owned()); columns]);
            for column in 0..columns {
                let mut row = plausible();
                row[column] = Some(text.to_owned());
                rows.push(row);
            }
        }
        rows
    };
    let unicode = everywhere(UNICODE);
    let numbers = everywhere(NUMBERS);
    let generated: Vec<_> = (0..GENERATED).map(|_| generated(&likely, &mut dice)).collect();

    let generated = batch(&schema, &generated);
    let bytes = generated.get_array_memory_size().max(1);
    let times = (BATCH_ROWS / GENERATED + 1).min((BATCH_BYTES / bytes).max(1));
    let many = joined(&schema, std::iter::repeat_n(&generated, times));
    let many = cut(&many, BATCH_ROWS).next().expect("there are many");
    let made = |name, rows: RecordBatch| NamedRows { name, parts: vec![InputRows { input: 0, rows }] };
    vec![
        made("empty batch", RecordBatch::new_empty(schema.clone())),
        made("one row", batch(&schema, &one)),
        made("all missing", batch(&schema, &vec![vec![None; columns]; 3])),
        made("huge texts", batch(&schema, &huge)),
        made("unicode", batch(&schema, &unicode)),
        made("numbers at their limits", batch(&schema, &numbers)),
        made("generated rows", generated),
        made("many rows", many),
    ]
}

/// Returns a row in which most cells suit their columns. The row is never empty.
fn generated(likely: &[Option<DataType>], dice: &mut Dice) -> Cells {
    let mut cell = |likely: &Option<DataType>| match dice.below(100) {
        0..8 => None,
        8..11 => Some(String::new()),
        11..14 => Some("  ".to_owned()),
        14..75 => Some(suited(likely.as_ref(), dice)),
        _ => Some(suited(None, dice)),
    };
    let mut row: Cells = likely.iter().map(&mut cell).collect();
    filled(&mut row);
    row
}

/// Returns a text from which a column of that type may be made; a text of any kind if the type is not known.
fn suited(likely: Option<&DataType>, dice: &mut Dice) -> String {
    let any = |dice: &mut Dice| {
        let zone = dice.pick(&["Z", "", "+02:00", "-11:30"]);
        let separator = dice.pick(&["T", " "]);
        let day = format!("20{:02}-{:02}-{:02}", dice.below(40), 1 + dice.below(13), 1 + dice.below(31));
        let time = format!("{:02}:{:02}:{:02}", dice.below(25), dice.below(60), dice.below(60));
        (day.clone(), format!("{day}{separator}{time}{zone}"))
    };
    match likely {
        Some(DataType::Boolean) => dice.pick(&["true", "false", "TRUE", "0", "yes"]).to_owned(),
        Some(DataType::Int64) => (dice.below(2000) as i64 - 200).to_string(),
        Some(DataType::Float64 | DataType::Decimal128(..)) => match dice.below(6) {
            0 => format!("-{}.{}", dice.below(100), dice.below(1000)),
            1 => dice.below(1000).to_string(),
            2 => format!("{}e{}", dice.below(100), dice.below(4)),
            _ => format!("{}.{:02}", dice.below(10_000), dice.below(100)),
        },
        Some(DataType::Date32) => any(dice).0,
        Some(DataType::Timestamp(..)) => any(dice).1,
        Some(_) if dice.percent(80) => format!("{}{}", dice.pick(&["k", "K", " k", "k "]), dice.below(50)),
        _ => match dice.below(8) {
            0 => suited(Some(&DataType::Boolean), dice),
            1 => suited(Some(&DataType::Int64), dice),
            2 => suited(Some(&DataType::Float64), dice),
            3 => suited(Some(&DataType::Date32), dice),
            4 => any(dice).1,
            5 => [(); 4].map(|()| dice.below(270).to_string()).join("."),
            6 => format!("k{}@example.org", dice.below(50)),
            _ => dice.pick(&["a word", "N/A", "null", "-", "42F", "https://example.org/?q=1", "{}", "a,b"]).to_owned(),
        },
    }
}

fn batch(schema: &SchemaRef, rows: &[Cells]) -> RecordBatch {
    let column = |at: usize| Arc::new(rows.iter().map(|row| row[at].as_deref()).collect::<StringArray>()) as ArrayRef;
    let columns = (0..schema.fields().len()).map(column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).expect("every cell is text or missing")
}
