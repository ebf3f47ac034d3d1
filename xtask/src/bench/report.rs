//! The table at the end.

use std::fmt::Write;
use std::thread::available_parallelism;

use super::bronze::Size;
use super::measure::Cost;

/// Minimum and median of every contender, and smelt's cost over each peer's; smelt is the first.
pub(super) fn table(size: &Size, contenders: &[(&str, Vec<Cost>)]) -> String {
    let Size { orders, clicks, customers, objects } = size;
    let cores = available_parallelism().map_or(0, usize::from);
    let runs = contenders[0].1.len();
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{}", line.trim_end()).expect("writing to a string");

    line(String::new());
    line(format!(
        "{orders} orders, {clicks} clicks, {customers} customers in {objects} objects; {cores} cores; runs: {runs}"
    ));
    line(String::new());
    line(format!("{:8}  {:>17}  {:>17}  {:>15}", "", "wall, s", "CPU, s", "peak, MiB"));
    line(format!("{:8}  {:>8} {:>8}  {:>8} {:>8}  {:>7} {:>7}", "", "min", "median", "min", "median", "min", "median"));
    for (name, costs) in contenders {
        let (wall, cpu, peak) = (of(costs, wall), of(costs, cpu), of(costs, peak));
        line(format!(
            "{name:8}  {:8.2} {:8.2}  {:8.2} {:8.2}  {:7.0} {:7.0}",
            min(&wall),
            median(&wall),
            min(&cpu),
            median(&cpu),
            min(&peak),
            median(&peak)
        ));
    }
    if let [(_, ours), peers @ ..] = contenders
        && !peers.is_empty()
    {
        line(String::new());
        line("smelt as a share of the peer, median of the pairs of runs (below 1: smelt needs less)".to_owned());
        line(format!("{:8}  {:>8}  {:>8}  {:>8}", "", "wall", "CPU", "peak"));
        for (name, theirs) in peers {
            let ratio = |what: fn(&Cost) -> f64| {
                median(&ours.iter().zip(theirs).map(|(ours, theirs)| what(ours) / what(theirs)).collect::<Vec<_>>())
            };
            line(format!("{name:8}  {:8.2}  {:8.2}  {:8.2}", ratio(wall), ratio(cpu), ratio(peak)));
        }
        line(String::new());
        line("every KPI of every run agrees to the byte".to_owned());
    }
    text
}

fn wall(cost: &Cost) -> f64 {
    cost.wall.as_secs_f64()
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
    use super::median;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
