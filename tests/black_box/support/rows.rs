//! Raw rows of pipeline 1, and bronze objects written from them.

use std::fmt;

use serde_json::Value;

/// A field of a raw record.
#[derive(Clone)]
pub enum Cell {
    /// Text: in quotes where the format has them.
    Text(String),
    /// In JSON written as it is: a number, `null`, `true`.
    Bare(String),
    /// In JSON the key is left out too.
    Absent,
}

impl Cell {
    /// The text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Returns the cell as domain.md's rules look at it: trimmed, and nothing if blank.
    pub fn value(&self) -> Option<&str> {
        let text = match self {
            Self::Text(text) => text.trim(),
            Self::Bare(bare) if bare != "null" => bare.trim(),
            Self::Bare(_) | Self::Absent => "",
        };
        Some(text).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(out, "{text:?}"),
            Self::Bare(bare) => out.write_str(bare),
            Self::Absent => out.write_str("absent"),
        }
    }
}

/// A raw record: its fields in the order of the dataset's columns, or a line that is no record.
#[derive(Clone)]
pub enum Row {
    Record(Vec<Cell>),
    Malformed(String),
}

/// On one line, so that a failing case can be read.
impl fmt::Debug for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Without `#`, which would give each field a line.
            Self::Record(fields) => out.write_str(&format!("{fields:?}")),
            Self::Malformed(line) => write!(out, "malformed {line}"),
        }
    }
}

/// The datasets of pipeline 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dataset {
    Clicks,
    Customers,
    Orders,
}

impl Dataset {
    pub const ALL: [Self; 3] = [Self::Clicks, Self::Customers, Self::Orders];

    pub fn name(self) -> &'static str {
        match self {
            Self::Clicks => "clicks",
            Self::Customers => "customers",
            Self::Orders => "orders",
        }
    }

    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Clicks => &["customer_id", "page", "ip", "ts"],
            Self::Customers => &["customer_id", "first_name", "last_name", "email", "country", "signup_date"],
            Self::Orders => {
                &["order_id", "customer_id", "product", "quantity", "unit_price", "total_amount", "order_ts", "channel"]
            }
        }
    }

    /// The name of the dataset's object number `number`: names sort by number.
    pub fn object(self, number: usize) -> String {
        let extension = match self {
            Self::Clicks => "txt",
            Self::Customers => "csv",
            Self::Orders => "json",
        };
        format!("{}_20250101T{number:06}.{extension}", self.name())
    }

    /// The rows as one object; `style` chooses among the ways to write the same rows.
    pub fn body(self, rows: &[Row], style: usize) -> String {
        let end = if style & 1 == 0 { "\n" } else { "\r\n" };
        match self {
            Self::Customers => {
                let header = self.columns().join(",");
                let bom = if style & 2 == 0 { "" } else { "\u{feff}" };
                format!("{bom}{header}{end}{}", lines(rows, end, |fields| self.csv(fields)))
            }
            Self::Orders if style & 2 == 0 && rows.iter().all(|row| matches!(row, Row::Record(_))) => {
                let records: Vec<_> = rows.iter().map(|row| row.written(|fields| self.json(fields))).collect();
                format!("[{}]{end}", records.join(&format!(",{end}")))
            }
            Self::Orders | Self::Clicks => lines(rows, end, |fields| self.json(fields)),
        }
    }

    fn csv(self, fields: &[Cell]) -> String {
        let cell = |cell: &Cell| match cell {
            Cell::Text(text) | Cell::Bare(text) => csv_cell(text),
            Cell::Absent => String::new(),
        };
        fields.iter().map(cell).collect::<Vec<_>>().join(",")
    }

    fn json(self, fields: &[Cell]) -> String {
        let pair = |(name, cell): (&&str, &Cell)| match cell {
            Cell::Text(text) => Some(format!("{}: {}", Value::from(*name), Value::from(text.as_str()))),
            Cell::Bare(bare) => Some(format!("{}: {bare}", Value::from(*name))),
            Cell::Absent => None,
        };
        let pairs: Vec<_> = self.columns().iter().zip(fields).filter_map(pair).collect();
        format!("{{{}}}", pairs.join(", "))
    }
}

impl Row {
    fn written(&self, record: impl Fn(&[Cell]) -> String) -> String {
        match self {
            Self::Record(fields) => record(fields),
            Self::Malformed(line) => line.clone(),
        }
    }
}

fn lines(rows: &[Row], end: &str, record: impl Fn(&[Cell]) -> String) -> String {
    rows.iter().map(|row| row.written(&record) + end).collect()
}

/// RFC 4180: in quotes where it must be.
pub fn csv_cell(text: &str) -> String {
    match text.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
