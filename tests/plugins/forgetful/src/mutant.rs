//! Ways to forget, drawn from a seed.
//!
//! They are those in which a `save` by hand goes wrong: a field is left out, or kept in a type that is too narrow, or
//! only where the code that saves it has a branch. Thresholds are drawn from the range that purchases of a shop have.

use smelt_sdk::{Date, Money, saved};

use super::Memory;

/// The field that is forgotten, and the rows at which it is.
#[derive(Clone, Copy)]
pub(crate) struct Mutant {
    field: Field,
    way: Way,
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Purchases,
    Last,
    Country,
    Best,
    Products,
    Total,
    HasReturns,
    Promoted,
}

const FIELDS: [Field; 8] = [
    Field::Purchases,
    Field::Last,
    Field::Country,
    Field::Best,
    Field::Products,
    Field::Total,
    Field::HasReturns,
    Field::Promoted,
];

#[derive(Clone, Copy)]
enum Way {
    Always,
    /// Only if another field is not as at the start.
    With(Field),
    /// Only beyond a threshold.
    Beyond(i64),
    /// A part of it is kept: digits, letters, the month.
    Truncated(u32),
    /// A bit of it is lost, or an entry.
    OneBit(u32),
    /// Only if all that is saved has more bytes.
    IfLonger(usize),
    /// It takes the value of another field, and the other one its own.
    Swapped,
    /// Only where the number of purchases has this remainder.
    AtRows {
        of: i64,
        rest: i64,
    },
}

/// Numbers that follow from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    /// Returns a number from 1 on, less than 2 to the power of `bits`: each length is as likely as any other.
    fn of_bits(&mut self, bits: u64) -> i64 {
        let length = self.below(bits);
        (1i64 << length) + self.below(1 << length) as i64
    }
}

impl Mutant {
    pub(crate) fn of(seed: i64) -> Self {
        let mut dice = Dice(seed as u64);
        let field = FIELDS[dice.below(8) as usize];
        let way = match dice.below(8) {
            0 => Way::Always,
            1 => Way::With(FIELDS[dice.below(8) as usize]),
            2 => Way::Beyond(match field {
                // Up to 63 purchases, 15 products, names of 15 letters, 655.35 at once, 10,485.75 in all.
                Field::Purchases => dice.of_bits(6),
                Field::Products | Field::Country => dice.of_bits(4),
                Field::Best => dice.of_bits(16),
                Field::Total => dice.of_bits(20),
                Field::Promoted => dice.below(5) as i64,
                // From 2015 on.
                Field::Last => 16_436 + dice.below(3_600) as i64,
                Field::HasReturns => 0,
            }),
            3 => Way::Truncated(1 + dice.below(2) as u32),
            4 => Way::OneBit(dice.below(match field {
                Field::Purchases => 6,
                Field::Last => 12,
                Field::Country => 5,
                Field::Best => 16,
                Field::Products => 8,
                Field::Total => 20,
                Field::HasReturns => 1,
                Field::Promoted => 3,
            }) as u32),
            5 => Way::IfLonger(16 + dice.below(64) as usize),
            6 => Way::Swapped,
            _ => {
                let of = 2 + dice.below(8) as i64;
                Way::AtRows { of, rest: dice.below(of as u64) as i64 }
            }
        };
        Self { field, way }
    }

    pub(crate) fn forget(self, memory: &mut Memory) {
        let Self { field, way } = self;
        let forgets = match way {
            Way::Always => true,
            Way::With(other) => {
                let (mut without, with) = (memory.clone(), saved::save(memory));
                reset(&mut without, other);
                saved::save(&without) != with
            }
            Way::Beyond(threshold) => size(memory, field) > threshold.into(),
            Way::IfLonger(bytes) => saved::save(memory).len() > bytes,
            Way::AtRows { of, rest } => memory.purchases % of == rest,
            Way::Truncated(keeps) => return truncate(memory, field, keeps),
            Way::OneBit(bit) => return lose(memory, field, bit),
            Way::Swapped => return swap(memory, field),
        };
        if forgets {
            reset(memory, field);
        }
    }
}

/// Makes a field as at the start.
fn reset(memory: &mut Memory, field: Field) {
    let Memory { purchases, last, country, best, products, total, has_returns, promoted, client_id: _ } = memory;
    match field {
        Field::Purchases => *purchases = 0,
        Field::Last => *last = None,
        Field::Country => country.clear(),
        Field::Best => *best = None,
        Field::Products => products.clear(),
        Field::Total => *total = Money::ZERO,
        Field::HasReturns => *has_returns = false,
        Field::Promoted => *promoted = 0,
    }
}

fn size(memory: &Memory, field: Field) -> i128 {
    match field {
        Field::Purchases => memory.purchases.into(),
        Field::Last => memory.last.map_or(0, |date| date.0.into()),
        Field::Country => memory.country.len() as i128,
        Field::Best => memory.best.unwrap_or_default().units(),
        Field::Products => memory.products.len() as i128,
        Field::Total => memory.total.units(),
        Field::HasReturns => memory.has_returns.into(),
        Field::Promoted => memory.promoted.into(),
    }
}

fn truncate(memory: &mut Memory, field: Field, keeps: u32) {
    let digits = 10i64.pow(keeps);
    let whole = |amount: Money| Money::from_units(amount.units() / i128::from(digits) * i128::from(digits));
    match field {
        Field::Purchases => memory.purchases %= digits,
        Field::Last => memory.last = memory.last.map(Date::first_of_month),
        Field::Country => memory.country = memory.country.chars().take(keeps as usize).collect(),
        Field::Best => memory.best = memory.best.map(whole),
        Field::Products => drop(if keeps == 1 { memory.products.pop_first() } else { memory.products.pop_last() }),
        Field::Total => memory.total = whole(memory.total),
        Field::HasReturns => memory.has_returns = false,
        Field::Promoted => memory.promoted %= i64::from(keeps) + 1,
    }
}

fn lose(memory: &mut Memory, field: Field, bit: u32) {
    let less = |amount: Money| Money::from_units(amount.units() & !(1 << bit));
    match field {
        Field::Purchases => memory.purchases &= !(1 << bit),
        Field::Last => memory.last = memory.last.map(|date| Date(date.0 & !(1 << bit))),
        Field::Country => {
            let first = memory.country.chars().next().filter(char::is_ascii);
            if let Some(first) = first {
                memory.country.replace_range(..1, char::from(first as u8 & !(1 << bit)).encode_utf8(&mut [0; 1]));
            }
        }
        Field::Best => memory.best = memory.best.map(less),
        Field::Products => {
            let lost = memory.products.iter().nth(bit as usize).cloned();
            lost.map(|lost| memory.products.remove(&lost));
        }
        Field::Total => memory.total = less(memory.total),
        Field::HasReturns => memory.has_returns = false,
        Field::Promoted => memory.promoted &= !(1 << bit),
    }
}

fn swap(memory: &mut Memory, field: Field) {
    let Memory { purchases, last, country, best, products, total, has_returns, promoted, client_id } = memory;
    match field {
        Field::Purchases | Field::Promoted => std::mem::swap(purchases, promoted),
        Field::Best | Field::Total => *best = Some(std::mem::replace(total, best.unwrap_or_default())),
        Field::Country => std::mem::swap(country, client_id),
        Field::Products => {
            if let Some(product) = products.pop_last() {
                products.insert(std::mem::replace(country, product));
            }
        }
        Field::HasReturns => {
            let promotes = *promoted > 0;
            *promoted = std::mem::replace(has_returns, promotes).into();
        }
        Field::Last => {
            let days = last.map_or(0, |date| date.0);
            *last = Some(Date(*purchases as i32));
            *purchases = days.into();
        }
    }
}
