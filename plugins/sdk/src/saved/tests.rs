//! States come back as they were, and other bytes are a fault.

use proptest::prelude::*;

use super::*;
use crate::{Exact, Money, Ratio};

#[derive(Saved, Debug, PartialEq, Clone)]
enum Phase {
    Waiting,
    Open(Date, u8),
    Closed { since: Timestamp, why: Option<Box<str>> },
}

#[derive(Saved, Debug, PartialEq, Clone)]
struct Empty;

#[derive(Saved, Debug, PartialEq, Clone)]
struct Top<T, const N: usize>(Option<T>, [bool; N]);

#[derive(Saved, Debug, PartialEq, Clone)]
struct State {
    rows: i64,
    least: i128,
    degrees: f64,
    name: String,
    month: Short,
    spent: Money,
    rank: Desc<Date>,
    seen: BTreeSet<String>,
    by_day: BTreeMap<Date, (Money, i64)>,
    past: VecDeque<Decimal<4>>,
    letters: Vec<char>,
    phase: Phase,
    phases: Box<[Phase; 2]>,
    sum: Exact,
    top: Top<String, 3>,
    nothing: (Empty, ()),
}

fn phases() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Waiting),
        (any::<i32>(), any::<u8>()).prop_map(|(day, count)| Phase::Open(Date(day), count)),
        (any::<i64>(), any::<Option<String>>())
            .prop_map(|(since, why)| Phase::Closed { since: Timestamp(since), why: why.map(Into::into) }),
    ]
}

prop_compose! {
    fn states()(
        rows in any::<i64>(),
        (least, squared) in any::<(i128, i128)>(),
        degrees in any::<f64>(),
        (name, month) in (any::<String>(), "[0-9a-zé-]{0,7}"),
        (spent, past) in any::<(i128, Vec<i128>)>(),
        seen in any::<BTreeSet<String>>(),
        by_day in any::<BTreeMap<i32, (i128, i64)>>(),
        letters in any::<Vec<char>>(),
        (phase, phases) in (phases(), (phases(), phases()).prop_map(|(one, two)| Box::new([one, two]))),
        top in any::<(Option<String>, [bool; 3])>(),
    ) -> State {
        State {
            rows, least, degrees, name, letters, phase, phases, seen,
            month: Short::of(month),
            spent: Money::from_units(spent),
            rank: Desc(Date(rows as i32)),
            by_day: by_day.into_iter().map(|(day, (sum, rows))| (Date(day), (Money::from_units(sum), rows))).collect(),
            past: past.into_iter().map(Decimal::from_units).collect(),
            sum: Exact::from(squared) * Exact::from(squared),
            top: Top(top.0, top.1),
            nothing: (Empty, ()),
        }
    }
}

proptest! {
    #[test]
    fn a_state_comes_back_as_it_was(state in states()) {
        let bytes = save(&state);
        prop_assert_eq!(&resume::<State>(&bytes).expect("it comes back"), &state);
        prop_assert_eq!(save(&state.clone()), bytes);
    }

    #[test]
    fn other_bytes_are_a_fault_or_the_bytes_of_another_state(
        state in states(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = save(&state);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            match resume::<State>(bytes) {
                Ok(other) => prop_assert_eq!(save(&other), bytes, "two forms of one state"),
                Err(fault) => prop_assert_eq!(fault.message, malformed().message),
            }
        }
    }

    #[test]
    fn random_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(state) = resume::<State>(&bytes) {
            prop_assert_eq!(&save(&state), &bytes);
        }
        if let Ok(ratio) = resume::<Ratio>(&bytes) {
            let _ = (ratio * ratio / 3).round::<2>();
        }
    }

    #[test]
    fn integers_take_few_bytes(value in any::<i128>()) {
        let bytes = save(&value);
        prop_assert_eq!(bytes.len() as u32, (129 - (value ^ value >> 127).leading_zeros()).div_ceil(7).max(1));
        prop_assert_eq!(resume::<i128>(&bytes).expect("it comes back"), value);
    }
}

#[test]
fn a_number_of_values_that_cannot_be_there_takes_no_time() {
    let mut bytes = save(&(i64::MAX / 2));
    bytes.extend([0; 100]);
    assert!(resume::<Vec<()>>(&bytes).is_err());
    assert!(resume::<Vec<()>>(&save(&vec![(); 100])).is_ok_and(|all| all.len() == 100));
}

#[test]
fn numbers_have_one_form() {
    for value in [i128::MIN, -65, -64, -1, 0, 1, 63, 64, i64::MAX.into(), i128::MAX] {
        assert_eq!(resume::<i128>(&save(&value)).expect("it comes back"), value);
    }
    assert!(resume::<u8>(&save(&256i64)).is_err());
    assert!(resume::<i64>(&[0x80, 0]).is_err(), "it is 0 in two bytes");
    assert!(resume::<i128>(&[0xff; 19]).is_err() && resume::<i128>(&[0xff; 30]).is_err());
    let nan = f64::from_bits(f64::NAN.to_bits() | 7);
    assert_eq!(save(&nan), save(&-f64::NAN));
    assert!(resume::<f64>(&nan.to_le_bytes()).is_err());
    assert_ne!(save(&0.0), save(&-0.0), "a walk may tell them apart");
    assert!(resume::<Short>(&save(&"x".repeat(16))).is_err());
    assert!(
        resume::<BTreeSet<i64>>(&save(&vec![2i64, 1])).is_err()
            && resume::<BTreeSet<i64>>(&save(&vec![1i64, 1])).is_err()
    );
    assert!(resume::<BTreeMap<i64, ()>>(&save(&vec![(1i64, ()), (1, ())])).is_err());
}

#[test]
fn quotients_are_computed_with_as_before() {
    let ratios =
        [Ratio::from(7) / 3, Ratio::from(-1) / 0, Ratio::ZERO, Ratio::from(Money::from_units(i128::MAX)) * i64::MAX];
    for ratio in ratios {
        let bytes = save(&ratio);
        let again: Ratio = resume(&bytes).expect("it comes back");
        assert_eq!(save(&again), bytes);
        assert_eq!(format!("{:?}", again * 2 + 1), format!("{:?}", ratio * 2 + 1));
    }
    // 7 ÷ 0 and -7 ÷ -3 as they are never kept.
    for (over, under) in [(7i128, 0i128), (-7, -3)] {
        assert!(resume::<Ratio>(&save(&(0u32, over, under))).is_err(), "{over} {under}");
    }
}
