//! The tables that the benchmark prints at the end.

use std::thread::available_parallelism;

use super::measure::Cost;
use super::traffic::Traffic;

/// The name of the other binary of smelt that takes part.
pub(super) const AGAINST: &str = "against";
/// The costs of each contender, by its name.
type Costs = [(String, Vec<Cost>)];
/// The costs of ticks on a lake: with nothing to do, and with new objects.
pub(super) type Ticks = (Vec<Cost>, Vec<Cost>);

/// Returns the heading: what was measured, and on how many cores.
pub(super) fn heading(what: &str) -> String {
    format!("\n{what}; {} cores\n", available_parallelism().map_or(0, usize::from))
}

/// Returns a table of the minimum and median of every contender.
pub(super) fn costs(costs: &Costs) -> String {
    let mut text = format!("\n{:9}  {:>17}  {:>17}  {:>15}\n", "", "wall, s", "CPU, s", "peak, MiB");
    text += &format!(
        "{:9}  {:>8} {:>8}  {:>8} {:>8}  {:>7} {:>7}\n",
        "", "min", "median", "min", "median", "min", "median"
    );
    for (name, costs) in costs {
        let (wall, cpu, peak) = (of(costs, wall), of(costs, cpu), of(costs, peak));
        text += &format!(
            "{name:9}  {:8.2} {:8.2}  {:8.2} {:8.2}  {:7.0} {:7.0}\n",
            min(&wall),
            median(&wall),
            min(&cpu),
            median(&cpu),
            min(&peak),
            median(&peak)
        );
    }
    text
}

/// Returns a table of the first contender's cost divided by that of each other.
pub(super) fn ratios(costs: &Costs) -> String {
    let [(first, ours), others @ ..] = costs else { return String::new() };
    let mut text =
        format!("\n{first} as a multiple of the other, median of the pairs of runs (below 1: {first} needs less)\n");
    text += &format!("{:9}  {:>8}  {:>8}  {:>8}\n", "", "wall", "CPU", "peak");
    for (name, theirs) in others {
        let [wall, cpu, peak] = [wall, cpu, peak].map(|what| ratio(ours, theirs, what));
        text += &format!("{name:9}  {wall:8.2}  {cpu:8.2}  {peak:8.2}\n");
    }
    text + "\nwhat they made agrees to the byte in every run\n"
}

/// Returns the wall time of the first contender as a multiple of that of the fastest other.
pub(super) fn fastest(costs: &Costs) -> String {
    let [(first, ours), others @ ..] = costs else { return String::new() };
    let of_wall = |costs: &[Cost]| median(&of(costs, wall));
    let Some((name, theirs)) = others.iter().min_by(|(_, a), (_, b)| of_wall(a).total_cmp(&of_wall(b))) else {
        return String::new();
    };
    format!("{first} takes {:.2} times the wall time of {name}, the fastest other\n", ratio(ours, theirs, wall))
}

/// Returns the costs of each contender divided by those of the one with the same bronze and the other binary.
pub(super) fn against(costs: &Costs) -> String {
    let pair = |(name, theirs): &(String, Vec<Cost>)| {
        let of = name.strip_suffix(AGAINST)?.trim_end();
        let (_, ours) = costs.iter().find(|(name, _)| name == of)?;
        let [wall, cpu, peak] = [wall, cpu, peak].map(|what| ratio(ours, theirs, what));
        Some(format!(
            "{of}: {wall:.2} times the wall time, {cpu:.2} times the CPU and {peak:.2} times the peak of the other\n"
        ))
    };
    costs.iter().filter_map(pair).collect()
}

/// Returns the cost of a row of each other contender, which has `times` as many rows, divided by the cost of a row of
/// the first.
pub(super) fn per_row(costs: &Costs, times: u64) -> String {
    let Some(((_, small), large)) = costs.split_first() else { return String::new() };
    let large = large.iter().filter(|(name, _)| !name.ends_with(AGAINST));
    let line = |(name, large): &(String, Vec<Cost>)| {
        let [wall, cpu] = [wall, cpu].map(|what| ratio(large, small, what) / times as f64);
        format!("{name}: a row costs {wall:.2} times the time and {cpu:.2} times the CPU of one of the small one\n")
    };
    "\n".to_owned() + &large.map(line).collect::<String>()
}

/// Returns the requests that a run sent to an S3 server, and the processor time that they took the server.
pub(super) fn traffic(traffic: &Traffic, cpu: Option<f64>) -> String {
    let Traffic { rows, requests, sent, received } = traffic;
    let counts: Vec<_> = requests.iter().map(|(method, count)| format!("{method} {count}")).collect();
    let (all, each) = (requests.values().sum::<u64>(), |bytes: u64| bytes as f64 / *rows as f64);
    let mut text = format!("\na run makes {all} requests: {}\n", counts.join(", "));
    text += &format!("  sends {} MB, {:.1} bytes for each bronze row\n", sent / 1_000_000, each(*sent));
    text += &format!("  receives {} MB, {:.1} bytes for each bronze row\n", received / 1_000_000, each(*received));
    text + &cpu.map(|cpu| format!("  takes the server {cpu:.2} s of CPU\n")).unwrap_or_default()
}

/// Returns a table of ticks with nothing to do and with new objects, on two lakes.
pub(super) fn ticks(lakes: [&str; 2], costs: &[Ticks; 2]) -> String {
    let mut text = format!("\n{:14}  {:>17}  {:>17}\n", "wall, ms", "nothing to do", "3 new objects");
    text += &format!("{:14}  {:>8} {:>8}  {:>8} {:>8}\n", "lake", "min", "median", "min", "median");
    for (lake, (nothing, new)) in lakes.iter().zip(costs) {
        let (nothing, new) = (of(nothing, millis), of(new, millis));
        text += &format!(
            "{lake:<14}  {:8.1} {:8.1}  {:8.1} {:8.1}\n",
            min(&nothing),
            median(&nothing),
            min(&new),
            median(&new)
        );
    }
    let [(nothing_small, new_small), (nothing_large, new_large)] = costs;
    let nothing = ratio(nothing_large, nothing_small, millis);
    let new = ratio(new_large, new_small, millis);
    text + &format!("{:14}  {:>8} {nothing:8.2}  {:>8} {new:8.2}\n", "ratio", "", "")
}

/// Returns the times of ticks divided by those of the other binary on the same lakes.
pub(super) fn ticks_against(lakes: &[String], ours: &[Ticks; 2], theirs: &[Ticks; 2]) -> String {
    let mut text = String::new();
    for ((lake, ours), theirs) in lakes.iter().zip(ours).zip(theirs) {
        let [nothing, new] = [(&ours.0, &theirs.0), (&ours.1, &theirs.1)].map(|(a, b)| ratio(a, b, millis));
        let [nothing_cpu, new_cpu] = [(&ours.0, &theirs.0), (&ours.1, &theirs.1)].map(|(a, b)| ratio(a, b, cpu));
        text += &format!(
            "{lake}: {nothing:.2} times the wall time and {nothing_cpu:.2} times the CPU of the other with nothing to do, \
             {new:.2} and {new_cpu:.2} with new objects\n"
        );
    }
    text
}

fn wall(cost: &Cost) -> f64 {
    cost.wall.as_secs_f64()
}

fn millis(cost: &Cost) -> f64 {
    wall(cost) * 1000.0
}

fn cpu(cost: &Cost) -> f64 {
    cost.cpu.as_secs_f64()
}

fn peak(cost: &Cost) -> f64 {
    cost.peak as f64 / f64::from(1 << 20)
}

fn of(costs: &[Cost], what: fn(&Cost) -> f64) -> Vec<f64> {
    costs.iter().map(what).collect()
}

/// Returns the median, over pairs of runs that took turns, of one contender's value divided by the other's.
fn ratio(ours: &[Cost], theirs: &[Cost], what: fn(&Cost) -> f64) -> f64 {
    median(&ours.iter().zip(theirs).map(|(ours, theirs)| what(ours) / what(theirs)).collect::<Vec<_>>())
}

fn min(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Cost, fastest, median};

    #[test]
    fn the_fastest_other_is_named() {
        let cost = |seconds| vec![Cost { wall: Duration::from_secs(seconds), cpu: Duration::ZERO, peak: 0 }];
        let costs = [("ours".to_owned(), cost(6)), ("slow".to_owned(), cost(4)), ("fast".to_owned(), cost(3))];
        assert_eq!(fastest(&costs), "ours takes 2.00 times the wall time of fast, the fastest other\n");
        assert_eq!(fastest(&costs[..1]), "");
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
