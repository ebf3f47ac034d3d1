//! Bad files whose rows are wrong: many cells say something else than they should.

use rand::RngExt as _;
use smelt_sdk::Timestamp;

use crate::dataset::Dataset;
use crate::kind::Kind;
use crate::products::shifted;
use crate::requests::clf;
use crate::shop::{Dice, Shop, pick, product_id, sale_id, user_id};
use crate::table::Table;

use Dataset::{Products, Requests, Sales, Sessions, Users};

/// Spoils the rows of a file, if the kind is about rows.
pub(crate) fn spoil(shop: &Shop, dataset: Dataset, kind: Kind, table: &mut Table, dice: &mut Dice) {
    match kind {
        Kind::HeaderOnly => table.rows.clear(),
        Kind::Few => table.rows.truncate((table.rows.len() / 12).max(1)),
        Kind::Repeats => {
            let rows = std::mem::take(&mut table.rows);
            for row in rows {
                table.rows.push(row.clone());
                if dice.random_ratio(4, 5) {
                    table.rows.push(row);
                }
            }
        }
        Kind::Resold => {
            let Some(yesterday) = shop.yesterday() else { return };
            let column = table.column("sale_id");
            for (index, row) in (0..).zip(&mut table.rows) {
                row[column] = sale_id(&yesterday, index % yesterday.sales());
            }
        }
        Kind::Shift | Kind::Drifted => change(shop, dataset, kind, table, (1, 1), dice),
        Kind::Blank | Kind::Garble | Kind::Outrange | Kind::Strange | Kind::Inconsistent | Kind::Orphans => {
            change(shop, dataset, kind, table, (3, 5), dice);
        }
        _ => {}
    }
}

/// Changes cells of a share of the rows.
fn change(shop: &Shop, dataset: Dataset, kind: Kind, table: &mut Table, share: (u32, u32), dice: &mut Dice) {
    let mut rows = std::mem::take(&mut table.rows);
    for row in rows.iter_mut().filter(|_| dice.random_ratio(share.0, share.1)).collect::<Vec<_>>() {
        for (column, cell) in changes(shop, dataset, kind, &Cells { table, row }, dice) {
            row[table.column(column)] = cell;
        }
    }
    table.rows = rows;
}

/// A row whose cells have names.
struct Cells<'a> {
    table: &'a Table,
    row: &'a [String],
}

impl Cells<'_> {
    fn get(&self, column: &str) -> &str {
        &self.row[self.table.column(column)]
    }
}

/// Returns the cells of a row that change, by column.
fn changes(shop: &Shop, dataset: Dataset, kind: Kind, row: &Cells<'_>, dice: &mut Dice) -> Vec<(&'static str, String)> {
    let text = |column, cell: &str| (column, cell.to_owned());
    let garbage = pick(&["n/a", "?", "#REF!", "12,x"], dice);
    match (kind, dataset) {
        (Kind::Blank, Products) => ["code_article", "libellé", "prix_ht", "date_maj"].map(|c| text(c, "")).into(),
        (Kind::Blank, Users) => ["user_id", "signup_date"].map(|c| text(c, "")).into(),
        (Kind::Blank, Sessions) => {
            vec![text("session_id", ""), text("started_at", ""), text("events", "null")]
        }
        // A line without a cell would be no line of the log; a dash stands for none.
        (Kind::Blank, Requests) => ["user", "bytes", "latency"].map(|c| text(c, "-")).into(),
        (Kind::Blank, Sales) => {
            ["sale_id", "product_id", "quantity", "unit_price", "sold_at"].map(|c| text(c, "")).into()
        }
        (Kind::Garble, Products) => ["prix_ht", "tva", "stock", "date_maj"].map(|c| text(c, garbage)).into(),
        (Kind::Garble, Users) => ["signup_date", "birth_date", "consent"].map(|c| text(c, garbage)).into(),
        (Kind::Garble, Sessions) => {
            vec![text("started_at", garbage), text("ended_at", garbage), text("events", "\"lost\"")]
        }
        (Kind::Garble, Requests) => ["time", "status", "bytes", "latency"].map(|c| text(c, garbage)).into(),
        (Kind::Garble, Sales) => {
            ["quantity", "unit_price", "discount", "total", "sold_at"].map(|c| text(c, garbage)).into()
        }
        (Kind::Outrange, Products) => {
            vec![text("prix_ht", "99999,99"), text("stock", "-500"), text("date_maj", "31/12/2099")]
        }
        (Kind::Outrange, Users) => vec![("signup_date", pick(&["1999-12-31", "2099-12-31"], dice).to_owned())],
        (Kind::Outrange, Sessions) => vec![("started_at", long_ago(shop, dice).to_string())],
        (Kind::Outrange, Requests) => {
            vec![("time", clf(long_ago(shop, dice), 0)), text("status", "999"), text("latency", "3600.000")]
        }
        (Kind::Outrange, Sales) => {
            vec![text("quantity", "99999"), text("unit_price", "-5.00"), ("sold_at", long_ago(shop, dice).to_string())]
        }
        (Kind::Strange, Products) => {
            vec![text("code_article", "X-1"), text("libellé", "CafÃ©"), text("catégorie", "toys"), text("tva", "7")]
        }
        (Kind::Strange, Users) => vec![text("user_id", "X1"), text("email", "nobody"), text("country", "France")],
        (Kind::Strange, Sessions) => {
            vec![text("session_id", "X1"), text("device", "fridge"), text("country", "france")]
        }
        (Kind::Strange, Requests) => vec![text("user", "bob"), text("method", "BREW")],
        (Kind::Strange, Sales) => vec![text("sale_id", "X1"), text("channel", "fax"), text("status", "lost")],
        (Kind::Inconsistent, Products) => vec![text("prix_ht", "1500,00"), text("stock", "0")],
        (Kind::Inconsistent, Users) => {
            vec![("birth_date", shop.day().plus_days(1).to_string()), text("email", ""), text("consent", "true")]
        }
        (Kind::Inconsistent, Sessions) => vec![("ended_at", long_ago(shop, dice).to_string())],
        (Kind::Inconsistent, Requests) => vec![text("status", "204"), text("bytes", "512")],
        (Kind::Inconsistent, Sales) => {
            vec![("total", shifted(row.get("total"), 3)), ("discount", shifted(row.get("unit_price"), 9))]
        }
        (Kind::Orphans, Sessions) => vec![("user_id", user_id(999_000 + dice.random_range(0..1000)))],
        (Kind::Orphans, Requests) => vec![("user", user_id(999_000 + dice.random_range(0..1000)))],
        (Kind::Orphans, Sales) => vec![("product_id", product_id(99_000 + dice.random_range(0..1000)))],
        (Kind::Shift, Products) => vec![("prix_ht", shifted(row.get("prix_ht"), 50))],
        (Kind::Shift, Sessions) => vec![text("user_id", "")],
        (Kind::Shift, Requests) => vec![text("status", "500"), ("latency", slow(dice))],
        (Kind::Shift, Sales) => {
            let shifted = |column| (column, shifted(row.get(column), 25));
            ["unit_price", "discount", "total"].map(shifted).into()
        }
        (Kind::Drifted, Products) => vec![text("catégorie", "tech")],
        (Kind::Drifted, Sessions) => vec![text("device", "tablet")],
        (Kind::Drifted, Sales) => vec![text("channel", "store")],
        _ => vec![],
    }
}

/// Returns an instant some weeks before the day.
fn long_ago(shop: &Shop, dice: &mut Dice) -> Timestamp {
    shop.any_time(dice).plus_seconds(-86_400 * dice.random_range(30..60))
}

/// Returns a latency of many seconds.
fn slow(dice: &mut Dice) -> String {
    format!("{}.{:03}", dice.random_range(8..20), dice.random_range(0..1000))
}
