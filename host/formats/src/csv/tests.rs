//! Tests of agreement with the `csv` crate on well-formed CSV.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::Format;
use crate::testing::decode;

/// Returns a cell as text, and whether to write it in quotes even if it needs none.
fn cell() -> impl Strategy<Value = (String, bool)> {
    (prop_oneof!["[a-z]{0,12}", "[ab,\"\r\n é]{0,6}", "[a-z ,]{30,90}"], any::<bool>())
}

fn write(cell: &str, quote: bool) -> String {
    if quote || cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_csv_crate(rows in vec(vec(cell(), 3), 0..20), crlf: bool, last: bool) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut lines = vec!["a,b,c".to_owned()];
        lines.extend(rows.iter().map(|row| row.iter().map(|(text, quote)| write(text, *quote)).collect::<Vec<_>>().join(",")));
        let text = lines.join(end) + if last { end } else { "" };
        let ours = decode(text.as_bytes(), Format::Csv, &["a", "b", "c"]);
        prop_assert_eq!(ours.summary(), (rows.len(), vec![]));
        let theirs = csv::Reader::from_reader(text.as_bytes()).into_records().collect::<Result<Vec<_>, _>>().expect("good CSV");
        prop_assert_eq!(ours.records.len(), theirs.len());
        for ((ours, theirs), written) in ours.records.iter().zip(theirs).zip(&rows) {
            let cells = ours.outcome.clone().expect("all are rows");
            for ((ours, theirs), (text, quote)) in cells.iter().zip(&theirs).zip(written) {
                prop_assert_eq!(ours.as_deref().unwrap_or_default(), theirs);
                prop_assert_eq!(ours.is_none(), text.is_empty() && !quote);
            }
        }
    }
}
