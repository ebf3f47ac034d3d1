//! The datasets of the shop, and the names and packing of their files.

use crate::pack::Packing;
use crate::shop::Shop;

/// The datasets of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dataset {
    Products,
    Users,
    Sessions,
    Requests,
    Sales,
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
    pub(crate) fn name(self, shop: &Shop) -> String {
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
}
