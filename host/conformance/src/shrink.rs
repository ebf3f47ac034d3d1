//! From many rows that show a failure to few.

use std::time::Duration;

use smelt_common::clock::thread_time;

/// The processor time that it may take; more would not be worth it. Others at work on the machine do not shorten it.
const PATIENCE: Duration = Duration::from_secs(5);

/// As few of the items, in their order, as still fail; all of them do.
pub(super) fn fewest<T: Clone>(all: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
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

#[cfg(test)]
mod tests {
    use super::fewest;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let all: Vec<u32> = (0..1000).collect();
        assert_eq!(fewest(&all, |some| some.contains(&3) && some.contains(&777)), [3, 777]);
        assert_eq!(fewest(&all, |_| true).len(), 1);
    }
}
