//! Asks one instance for long series of ticks.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::ticks::{ANY_TICK, MINUTE, differs, sent_at, tick};
use crate::bench::{AS_OF, Bench};
use crate::report::{Verdict, failed};
use crate::rows::Dice;
use crate::shrink;
use smelt_runtime::{Generator, Object};

/// The number of ticks that one instance is asked for.
const SERIES: u64 = 60;
/// The time after which no further tick is asked for, if the options give no number of rounds.
const PATIENCE: Duration = Duration::from_secs(3);

/// Tests that ticks give the same objects in one instance, some of them twice, as each in an instance of its own.
pub(super) fn series(plugin: &Generator, bench: &Bench<'_>) -> Verdict {
    let begun = Instant::now();
    let (mut made, mut seeds) = (0, 0);
    let mut notes = Vec::new();
    for round in 0..bench.options.rounds.unwrap_or(1) {
        let seed = bench.options.seed.wrapping_add(round.into());
        let mut dice = Dice::seeded(seed);
        let mut alone: Vec<Answer> = Vec::new();
        for number in 0..SERIES {
            // Half of the ticks follow one another as in a run. The others are random.
            let (seed, number) =
                if number < SERIES / 2 { (42, number) } else { (dice.below(1 << 53), dice.below(1 << 20)) };
            let arguments = (seed, number, AS_OF + MINUTE * (number % (1 << 20)) as i64);
            match plugin.generate(tick(arguments)) {
                Ok(objects) => alone.push((arguments, objects)),
                Err(error) => return failed(sent_at(arguments), error.to_string(), ANY_TICK),
            }
            if bench.options.rounds.is_none() && begun.elapsed() > PATIENCE {
                break;
            }
        }
        if round == 0 {
            notes.extend(again_named(&alone));
        }
        let order: Vec<usize> = (0..2 * alone.len()).map(|_| dice.below(alone.len() as u64) as usize).collect();
        let differs_at = |order: &[usize]| {
            let arguments: Vec<_> = order.iter().map(|&at| tick(alone[at].0)).collect();
            let last = &alone[*order.last()?].1;
            match plugin.series(&arguments) {
                Ok(objects) => differs(last, objects.into_iter().next_back().map_or(Ok(vec![]), Ok)),
                Err(error) => Some(error.to_string()),
            }
        };
        let arguments: Vec<_> = order.iter().map(|&at| tick(alone[at].0)).collect();
        let all = plugin.series(&arguments);
        let wrong = match &all {
            Ok(all) => {
                order.iter().zip(all).position(|(&at, objects)| differs(&alone[at].1, Ok(objects.clone())).is_some())
            }
            Err(_) => (1..=order.len()).find(|&calls| differs_at(&order[..calls]).is_some()).map(|calls| calls - 1),
        };
        if let Some(wrong) = wrong {
            let (last, before) = (order[wrong], &order[..wrong]);
            let with = |some: &[usize]| differs_at(&[some, &[last]].concat());
            let few = if with(&[]).is_some() { vec![] } else { shrink::fewest(before, |some| with(some).is_some()) };
            let calls = few.len();
            let told = with(&few).unwrap_or_default();
            let sent =
                format!("{}, alone, then after {calls} calls in one instance (--seed {seed})", sent_at(alone[last].0));
            return failed(sent, told, "the same arguments give the same bytes, whatever was asked for before");
        }
        made += alone.len() + order.len();
        seeds += 1;
    }
    Verdict::Passed { detail: format!("{made} ticks, {seeds} seeds"), notes }
}

/// A seed, a tick and a time, and the objects that the source gave for them.
type Answer = ((u64, u64, i64), Vec<Object>);

/// Returns a note on the first name that two ticks at different times give, if there is one.
fn again_named(ticks: &[Answer]) -> Option<String> {
    let mut seen = BTreeMap::new();
    for (arguments, objects) in ticks {
        for Object { name, .. } in objects {
            match seen.insert(name, arguments) {
                Some(first) if first.2 != arguments.2 => {
                    let (first, then) = (sent_at(*first), sent_at(*arguments));
                    return Some(format!(
                        "{first} and {then} both give an object `{name}`; the second gets another name"
                    ));
                }
                _ => {}
            }
        }
    }
    None
}
