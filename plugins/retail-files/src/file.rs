//! The files of a day: rows, written in the layout of their dataset and packed.

use smelt_sdk::Object;

use crate::dataset::Dataset;
use crate::kind::Kind;
use crate::layout::{Layout, lines};
use crate::shop::{Dice, DiceOf, Shop};
use crate::spoil::spoil;
use crate::table::Table;
use crate::{products, requests, sales, sessions, users};

impl Dataset {
    fn dice(self, shop: &Shop) -> Dice {
        shop.dice(DiceOf::File, [self as u64, shop.tick.number])
    }

    fn table(self, shop: &Shop, dice: &mut Dice) -> Table {
        match self {
            Self::Products => products::table(shop, dice),
            Self::Users => users::table(shop, dice),
            Self::Sessions => sessions::table(shop, dice),
            Self::Requests => requests::table(shop, dice),
            Self::Sales => sales::table(shop, dice),
        }
    }
}

/// Returns a dataset's file of the day. Its rows have flaws, but the file is right.
pub(crate) fn right(shop: &Shop, dataset: Dataset) -> Object {
    let bytes = plain(shop, dataset);
    Object::new(dataset.name(shop), dataset.packing(shop).pack(bytes))
}

/// Returns the bytes of a file that is right, before it is packed.
fn plain(shop: &Shop, dataset: Dataset) -> Vec<u8> {
    let mut dice = dataset.dice(shop);
    let table = dataset.table(shop, &mut dice);
    lines(shop, dataset, &table, Layout::default(), &mut dice)
}

const ERROR_PAGE: &str = "<!DOCTYPE html>\n<html>\n<head><title>503 Service Unavailable</title></head>\n\
                          <body><h1>503 Service Unavailable</h1></body>\n</html>\n";

/// Returns a dataset's file of the day as a bad one of that kind.
pub(crate) fn bad(shop: &Shop, dataset: Dataset, kind: Kind) -> Object {
    let (mut dice, packing) = (dataset.dice(shop), dataset.packing(shop));
    let bytes = match kind {
        Kind::Empty => vec![],
        Kind::Html => ERROR_PAGE.into(),
        Kind::Copy => packing.pack(shop.yesterday().map(|yesterday| plain(&yesterday, dataset)).unwrap_or_default()),
        Kind::Truncated => {
            let mut packed = packing.pack(plain(shop, dataset));
            packed.truncate(packed.len() * 3 / 5);
            packed
        }
        Kind::WrongEncoding if dataset != Dataset::Products => {
            let bytes = plain(shop, dataset);
            let text = String::from_utf8_lossy(&bytes);
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            packing.pack(units.flat_map(u16::to_le_bytes).collect())
        }
        kind => {
            let mut table = dataset.table(shop, &mut dice);
            spoil(shop, dataset, kind, &mut table, &mut dice);
            packing.pack(lines(shop, dataset, &table, Layout::of(kind), &mut dice))
        }
    };
    Object::new(dataset.name(shop), bytes)
}
