//! The files of a day: rows, written in the layout of their dataset and packed.

use smelt_sdk::Object;

use crate::bad::Kind;
use crate::layout::{Layout, lines};
use crate::pack::Packing;
use crate::shop::{Dice, DiceOf, Shop};
use crate::spoil::spoil;
use crate::{products, requests, sales, sessions, users};

/// The datasets of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dataset {
    Products,
    Users,
    Sessions,
    Requests,
    Sales,
}

/// Rows of text. What an empty cell is, the layout says.
pub(crate) struct Table {
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns the index of a column. The columns of a dataset are known.
    pub(crate) fn column(&self, name: &str) -> usize {
        self.columns.iter().position(|column| *column == name).expect("the dataset has the column")
    }
}

impl Dataset {
    /// All of them, in the order in which they refer to each other.
    pub(crate) const ALL: [Self; 5] = [Self::Products, Self::Users, Self::Sessions, Self::Requests, Self::Sales];

    /// Returns the way in which the dataset's file of the day is packed.
    pub(crate) fn packing(self, shop: &Shop) -> Packing {
        use Packing::{Gzip, None, Zstd};
        let of_day = |all: &[Packing]| all[(shop.tick.number % all.len() as u64) as usize];
        match self {
            Self::Products => None,
            Self::Users => Gzip,
            Self::Sessions => of_day(&[Gzip, Gzip, Zstd, None, Gzip]),
            Self::Requests => of_day(&[Gzip, Gzip, Gzip, None]),
            Self::Sales => of_day(&[None, Gzip, None]),
        }
    }

    /// Returns the name of the dataset's file of the day.
    fn name(self, shop: &Shop) -> String {
        let (stamp, packed) = (shop.stamp(), self.packing(shop).extension());
        match self {
            Self::Products => format!("products_{stamp}.csv"),
            Self::Users => format!("users_{stamp}.csv{packed}"),
            Self::Sessions => format!("sessions_{stamp}.jsonl{packed}"),
            // A log is turned over at six.
            Self::Requests if !stamp.contains('T') => format!("api_{stamp}T060000.log{packed}"),
            Self::Requests => format!("api_{stamp}.log{packed}"),
            Self::Sales => format!("sales_{stamp}.txt{packed}"),
        }
    }

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
