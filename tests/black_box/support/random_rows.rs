//! Random rows of pipeline 1: few keys, so that rows compete, and everything that can be wrong with a row.

use proptest::prelude::*;
use proptest::sample::select;

use super::rows::{Cell, Row};

/// A raw click, good or bad.
pub fn click() -> impl Strategy<Value = Row> {
    let page = select(vec!["/", "/cart", " /cart ", "/été", "/a,b\"c\"", ""]).prop_map(Cell::text);
    let ip = prop_oneof![
        8 => any::<[u8; 4]>().prop_map(|[a, b, c, d]| Cell::text(format!("{a}.{b}.{c}.{d}"))),
        1 => select(vec!["999.999.999.999", "256.1.1.1", "1.2.3", "1.2.3.4.5", "::1", "", "1.2.3.-4"]).prop_map(Cell::text),
        1 => Just(Cell::Absent),
    ];
    let malformed =
        select(vec![r#"{"customer_id": "C1", "pa"#, "[1, 2]", "<html>502</html>", "17", r#"{"ts": }"#, "null"]);
    prop_oneof![
        9 => (customer_id(), page, ip, instant()).prop_map(|(id, page, ip, ts)| Row::Record(vec![id, page, ip, ts])),
        1 => malformed.prop_map(|line| Row::Malformed(line.to_owned())),
    ]
}

/// A raw customer, good or bad.
pub fn customer() -> impl Strategy<Value = Row> {
    let name = || select(vec!["Ada", " grace ", "", "Émile", "ßen", "van, der \"X\"", "两", "="]).prop_map(Cell::text);
    let email = select(vec!["ada@example.org", " ADA@Example.ORG ", "", "  ", "é@example.net"]).prop_map(Cell::text);
    let country = select(vec!["FR", "FR", "DE", " BE ", "", "Côte d'Ivoire", "Korea, Republic of", "=1+1", "na", "NA"]);
    let signup = prop_oneof![
        8 => (2020..2026, 1..13u32, 1..29u32).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}")),
        1 => select(vec!["32/13/2025", "2025-02-30", "", "2024-02-29", " 2023-01-01 ", "2025-1-01", "2023-02-29"]).prop_map(str::to_owned),
    ];
    let malformed = select(vec!["C1,Ada,Lovelace", "C1,Ada,King, Lovelace,a@b.org,FR,2025-01-01", "C1"]);
    let record = (customer_id(), name(), name(), email, country, signup);
    prop_oneof![
        12 => record.prop_map(|(id, first, last, email, country, signup)| {
            Row::Record(vec![id, first, last, email, Cell::text(country), Cell::text(signup)])
        }),
        1 => malformed.prop_map(|line| Row::Malformed(line.to_owned())),
    ]
}

/// A raw order, good or bad.
pub fn order() -> impl Strategy<Value = Row> {
    let id = prop_oneof![
        12 => (0..18u32).prop_map(|id| Cell::text(format!("O{id}"))),
        1 => (0..4u32).prop_map(|id| Cell::Bare(id.to_string())),
        1 => select(vec![Cell::Absent, Cell::text(" "), Cell::Bare("null".to_owned()), Cell::text(" O3 ")]),
    ];
    let products: Vec<_> = (0..14).map(|product| Cell::text(format!("product {product}"))).collect();
    let odd = vec![
        Cell::Absent,
        Cell::text("NA"),
        Cell::text("=HYPERLINK(1)"),
        Cell::text("Crème, brûlée \"set\""),
        Cell::text(" "),
    ];
    let product = prop_oneof![3 => select(products), 1 => select(odd)];
    let channel =
        select(vec![Cell::text("web"), Cell::text("mobile"), Cell::text(" store "), Cell::Absent, Cell::text("@x")]);
    let malformed = select(vec![r#"{"order_id": "O1", "qua"#, "17", "not json", r#"{"order_id": "O1"}}"#]);
    let record = (id, customer_id(), product, number(), number(), number(), instant(), channel);
    prop_oneof![
        30 => record.prop_map(|(id, customer, product, quantity, price, total, ts, channel)| {
            Row::Record(vec![id, customer, product, quantity, price, total, ts, channel])
        }),
        1 => malformed.prop_map(|line| Row::Malformed(line.to_owned())),
    ]
}

fn customer_id() -> impl Strategy<Value = Cell> {
    prop_oneof![
        12 => (0..10u32).prop_map(|id| Cell::text(format!("C{id}"))),
        1 => select(vec![Cell::text(""), Cell::text("nobody knows"), Cell::text(" C2 ")]),
    ]
}

/// Numbers and what is none, as JSON numbers and as text.
fn number() -> impl Strategy<Value = Cell> {
    let written = prop_oneof![
        4 => (0..400u32, 0..100u32).prop_map(|(whole, cents)| format!("{whole}.{cents:02}")),
        2 => (0..9u32).prop_map(|whole| whole.to_string()),
        1 => (0..30u32, 0..1000u32).prop_map(|(whole, thousandths)| format!("{whole}.{thousandths:03}")),
        1 => select(vec!["-3", "-0.01", "-0", "1e2", "2.5E-1", "0.005", "-0.004", "0"]).prop_map(str::to_owned),
    ];
    let odd = vec![
        Cell::Absent,
        Cell::Bare("null".to_owned()),
        Cell::Bare("true".to_owned()),
        Cell::Bare("1e400".to_owned()),
        Cell::text(""),
        Cell::text("many"),
        Cell::text("NaN"),
        Cell::text("1,5"),
        Cell::text("00012"),
    ];
    prop_oneof![
        6 => written.clone().prop_map(Cell::Bare),
        2 => written.prop_map(|number| Cell::text(format!(" {number} "))),
        1 => select(odd),
    ]
}

/// Few of them, so that there are ties, in all the ways in which they may be written.
fn instant() -> impl Strategy<Value = Cell> {
    let valid = (
        1..4u32,
        select(vec!["10:00:00", "00:30:00", "23:59:59.25"]),
        select(vec!["Z", "", "+02:00", "-01:30"]),
        "[T ]",
    );
    let odd =
        vec!["2025-02-30T00:00:00Z", "2025-01-01T24:00:00Z", "2016-12-31T23:59:60Z", "13/01/2025", "", "yesterday"];
    prop_oneof![
        12 => valid.prop_map(|(day, time, zone, between)| Cell::text(format!("2025-01-{day:02}{between}{time}{zone}"))),
        1 => select(odd).prop_map(Cell::text),
        1 => Just(Cell::Absent),
    ]
}
