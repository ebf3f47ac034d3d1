//! Reduces many rows or calls that show a failure to few.

use std::time::Duration;

use smelt_common::clock::thread_time;

/// The processor time that a reduction may take; more would not be worth it. Other work on the machine does not shorten
/// it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns as few of the items as still fail, in their order. All of them together must fail.
pub(crate) fn fewest<T: Clone>(all: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let begun = thread_time();
    let mut left = all.to_vec();
    let mut step = left.len().div_ceil(2);
    while step > 0 && left.len() > 1 {
        let mut at = 0;
        while at < left.len() && left.len() > 1 {
            if thread_time() - begun > PATIENCE {
                return left;
            }
            let end = (at + step).min(left.len());
            let without: Vec<T> = left[..at].iter().chain(&left[end..]).cloned().collect();
            if !without.is_empty() && fails(&without) {
                left = without;
            } else {
                at = end;
            }
        }
        step /= 2;
    }
    left
}

/// A call and the numbers of the rows that are sent with it.
pub(crate) type Call<T> = (T, Vec<u32>);

/// Returns fewer calls with fewer rows, of which the last call still fails.
pub(crate) fn fewest_calls<T: Copy>(calls: &[Call<T>], mut fails: impl FnMut(&[Call<T>]) -> bool) -> Vec<Call<T>> {
    let Some((last, before)) = calls.split_last() else { return vec![] };
    let mut left = match fails(std::slice::from_ref(last)) {
        true => vec![],
        false => fewest(before, |some| fails(&[some, std::slice::from_ref(last)].concat())),
    };
    left.push(last.clone());
    for at in (0..left.len()).rev() {
        let mut with = |rows: &[u32]| {
            let mut some = left.clone();
            some[at].1 = rows.to_vec();
            fails(&some)
        };
        let rows = match left[at].1.as_slice() {
            [] => vec![],
            _ if with(&[]) => vec![],
            rows => fewest(rows, with),
        };
        left[at].1 = rows;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::{fewest, fewest_calls};

    #[test]
    fn what_does_not_matter_is_left_out() {
        let all: Vec<u32> = (0..1000).collect();
        assert_eq!(fewest(&all, |some| some.contains(&3) && some.contains(&777)), [3, 777]);
        assert_eq!(fewest(&all, |_| true).len(), 1);
    }

    #[test]
    fn calls_and_rows_that_do_not_matter_are_left_out() {
        let calls: Vec<_> = (0..40).map(|call| ((), (0..call).collect::<Vec<u32>>())).collect();
        let has = |rows: &[u32], row| rows.contains(&row);
        // The last call fails if it has row 3 and an earlier one row 7, or if there are nine of them.
        let few = fewest_calls(&calls, |calls| {
            let (last, before) = calls.split_last().expect("the last is always there");
            has(&last.1, 3) && before.iter().any(|call| has(&call.1, 7))
        });
        assert_eq!(few, [((), vec![7]), ((), vec![3])]);
        assert_eq!(fewest_calls(&calls, |calls| calls.len() >= 9), vec![((), vec![]); 9]);
        assert_eq!(fewest_calls(&calls, |_| true), [((), vec![])]);
    }
}
