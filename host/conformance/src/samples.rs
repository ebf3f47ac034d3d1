//! Samples for random rows: rows of golden cases, and literals of the component.

use crate::literals::{Literals, MOST};
use crate::rows::Dice;

/// Rows of golden cases, and texts and numbers of the component.
#[derive(Default)]
pub(crate) struct Samples<R> {
    /// The rows of golden cases.
    pub(crate) rows: R,
    texts: Vec<String>,
    numbers: Vec<i64>,
}

impl<R> Samples<R> {
    /// Takes rows of golden cases, and the literals of the component.
    pub(crate) fn new(rows: R, component: &[u8]) -> Self {
        let found = Literals::of(component);
        let numbers = found.numbers.into_iter().take(MOST).collect::<Vec<_>>();
        let texts = found.texts.into_iter().take(MOST).collect();
        Self { rows, texts, numbers }
    }

    /// Returns how many texts and numbers there are.
    pub(crate) fn count(&self) -> usize {
        self.texts.len() + self.numbers.len()
    }

    /// Returns `count` texts of the component, others for each seed until all were sent. Some have a number in front or
    /// behind, and some are replaced by a number.
    pub(crate) fn words(&self, seed: u64, count: usize, dice: &mut Dice) -> Vec<String> {
        let most = self.texts.len();
        let start = seed.wrapping_mul(count as u64) as usize % most.max(1);
        let texts = self.texts.iter().cycle().skip(start).take(count.min(most)).map(|text| match dice.below(12) {
            0 => format!("{text}{}", dice.below(100)),
            1 => format!("{}{text}", dice.below(100)),
            2 if !self.numbers.is_empty() => self.number(dice).to_string(),
            _ => text.clone(),
        });
        texts.collect()
    }

    /// Returns a number of the component or a neighbour of one. If the component has none, returns any number.
    pub(crate) fn number(&self, dice: &mut Dice) -> i64 {
        if self.numbers.is_empty() {
            return dice.below(1 << 32) as i64;
        }
        let number = self.numbers[dice.below(self.numbers.len() as u64) as usize];
        number.saturating_add(dice.below(3) as i64 - 1)
    }
}
