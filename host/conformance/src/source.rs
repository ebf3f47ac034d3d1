//! What a source owes: equal arguments give equal bytes, under names that it declared.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::report::{Report, Verdict, failed, passed};
use super::rows::Dice;
use super::{AS_OF, Bench, Plugins, cost, fixture, shrink};
use smelt_common::error::Result;
use smelt_common::glob::Pattern;
use smelt_runtime::{Generator, Object};

/// Seeds and ticks that are tried: few that are usual, and the greatest.
const ARGUMENTS: &[(u64, u64)] = &[(42, 0), (42, 1), (42, 2), (7, 0), (0, 0), (u64::MAX, 1_000_000)];

const ANY_TICK: &str = "the objects of any tick, named with letters, digits, `.`, `_` and `-`";

/// Runs all checks of a source.
pub(super) fn check(report: &mut Report, plugins: &Plugins<Generator>, bench: &Bench<'_>) {
    let generate = |plugin: &Generator, (seed, tick)| plugin.generate(&bench.params, seed, tick, AS_OF);
    let mut ticks = Vec::new();
    report.check("ticks", &["parameters"], || {
        for &arguments in ARGUMENTS {
            match generate(&plugins.usual, arguments) {
                Ok(objects) => ticks.push((arguments, objects)),
                Err(error) => {
                    return failed(sent(arguments), error.to_string(), ANY_TICK);
                }
            }
        }
        let objects: Vec<_> = ticks.iter().flat_map(|(_, objects)| objects).collect();
        let bytes: usize = objects.iter().map(|object| object.bytes.len()).sum();
        passed(format!("{} ticks: {} objects, {bytes} bytes", ticks.len(), objects.len()))
    });
    report.check("names", &["ticks"], || names(&plugins.usual.spec().objects, &ticks));
    report.check("determinism", &["ticks"], || {
        for (arguments, first) in &ticks {
            for (place, plugin) in
                [("in a new instance", &plugins.usual), ("compiled without optimisation", &plugins.plain)]
            {
                if let Some(told) = differs(first, generate(plugin, *arguments)) {
                    let contract = "the same arguments give the same bytes";
                    return failed(format!("{}, again {place}", sent(*arguments)), told, contract);
                }
            }
        }
        passed(format!("{} ticks, 3 times, 2 engines", ticks.len()))
    });
    report.check("series", &["determinism"], || series(&plugins.usual, bench));
    if let Some(cost) = cost::check(report, &["ticks"], || cost::source(plugins, bench)) {
        report.cost = Some(cost);
    }
    fixture::check(report, bench, |case| fixture::source(&plugins.usual, bench, case));
}

/// The number of ticks that one instance is asked for.
const SERIES: u64 = 60;
/// No tick is asked for after so long, unless a number of rounds is given.
const PATIENCE: Duration = Duration::from_secs(3);
const MINUTE: i64 = 60_000_000;

/// Many ticks: each in an instance of its own, and all in one, in which some come again.
fn series(plugin: &Generator, bench: &Bench<'_>) -> Verdict {
    let begun = Instant::now();
    let (mut made, mut seeds) = (0, 0);
    let mut notes = Vec::new();
    for round in 0..bench.options.rounds.unwrap_or(1) {
        let seed = bench.options.seed.wrapping_add(round.into());
        let mut dice = Dice::seeded(seed);
        let mut alone: Vec<Given> = Vec::new();
        for number in 0..SERIES {
            // A row of ticks as a run asks for them, and some that lie anywhere.
            let (seed, tick) =
                if number < SERIES / 2 { (42, number) } else { (dice.below(1 << 53), dice.below(1 << 20)) };
            let arguments = (seed, tick, AS_OF + MINUTE * (tick % (1 << 20)) as i64);
            match plugin.generate(&bench.params, arguments.0, arguments.1, arguments.2) {
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
            let arguments: Vec<_> = order.iter().map(|&at| alone[at].0).collect();
            let last = &alone[*order.last()?].1;
            match plugin.series(&bench.params, &arguments) {
                Ok(objects) => differs(last, objects.into_iter().next_back().map_or(Ok(vec![]), Ok)),
                Err(error) => Some(error.to_string()),
            }
        };
        let arguments: Vec<_> = order.iter().map(|&at| alone[at].0).collect();
        let all = plugin.series(&bench.params, &arguments);
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

/// Seed, tick and time that a source was asked with, and what it gave.
type Given = ((u64, u64, i64), Vec<Object>);

/// A note on the first name that two ticks of different times give, if any do.
fn again_named(ticks: &[Given]) -> Option<String> {
    let mut seen = BTreeMap::new();
    for (arguments, objects) in ticks {
        for Object { name, .. } in objects {
            match seen.insert(name, arguments) {
                Some(former) if former.2 != arguments.2 => {
                    let (former, then) = (sent_at(*former), sent_at(*arguments));
                    return Some(format!(
                        "{former} and {then} both give an object `{name}`; the second gets another name"
                    ));
                }
                _ => {}
            }
        }
    }
    None
}

fn sent_at((seed, tick, as_of): (u64, u64, i64)) -> String {
    let minutes = (as_of - AS_OF) / MINUTE;
    format!("`generate` with seed {seed}, tick {tick}, as-of {minutes} minutes after 2025-01-01T00:00:00Z")
}

fn sent((seed, tick): (u64, u64)) -> String {
    format!("`generate` with seed {seed}, tick {tick}, as-of 2025-01-01T00:00:00Z")
}

fn names(globs: &[String], ticks: &[((u64, u64), Vec<Object>)]) -> Verdict {
    let patterns: Vec<_> = globs.iter().filter_map(|glob| Pattern::parse(glob).ok()).collect();
    let mut notes = Vec::new();
    for (arguments, objects) in ticks {
        let mut seen = BTreeSet::new();
        for Object { name, .. } in objects {
            if !patterns.iter().any(|pattern| pattern.matches(name)) {
                let contract = format!("`objects` has a glob for each family of objects; it has {}", globs.join(", "));
                return failed(sent(*arguments), format!("an object `{name}`"), contract);
            }
            if !seen.insert(name) && notes.is_empty() {
                notes.push(format!("{} gives two objects `{name}`; the second gets another name", sent(*arguments)));
            }
        }
    }
    Verdict::Passed { detail: globs.join(", "), notes }
}

fn differs(first: &[Object], other: Result<Vec<Object>>) -> Option<String> {
    let other = match other {
        Ok(other) => other,
        Err(error) => return Some(error.to_string()),
    };
    if first.len() != other.len() {
        return Some(format!("{} objects, then {}", first.len(), other.len()));
    }
    let changed = first.iter().zip(&other).find(|(a, b)| a.name != b.name || a.bytes != b.bytes)?;
    Some(format!(
        "`{}` of {} bytes, then `{}` of {}",
        changed.0.name,
        changed.0.bytes.len(),
        changed.1.name,
        changed.1.bytes.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, bytes: &str) -> Object {
        Object { name: name.to_owned(), bytes: bytes.into() }
    }

    #[test]
    fn any_other_object_or_byte_is_a_difference() {
        let first = [object("a", "1"), object("b", "2")];
        let told = |other: &[Object]| differs(&first, Ok(other.to_vec()));
        assert_eq!(told(&first), None);
        assert!(told(&first[..1]).is_some());
        assert!(told(&[object("a", "1"), object("b", "3")]).is_some());
        assert!(told(&[object("b", "2"), object("a", "1")]).is_some());
    }
}
