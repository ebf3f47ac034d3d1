//! Gold is a function of the rows of bronze alone: not of how they were cut into objects, in which order these came, how
//! often smelt ran, or when it was killed.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::support::Lake;
use crate::support::audit::audit;
use crate::support::process::Running;
use crate::support::random_rows::{click, customer, order};
use crate::support::reference::{Bronze, answer};
use crate::support::rows::Dataset;

/// A way for the rows to get into bronze, and for smelt to work meanwhile.
#[derive(Debug, Clone)]
struct Telling {
    /// The places where each dataset's rows are cut into objects.
    cuts: [Vec<Index>; 3],
    /// The style in which objects are written.
    style: usize,
    /// The objects come in the order of these numbers.
    arrival: Vec<u16>,
    /// After how many more objects smelt does something, and what.
    steps: Vec<(usize, Step)>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Run,
    Clean,
    Aggregate,
    /// Killed after so many calls of `read` and `write`.
    KilledRun {
        calls: u64,
    },
    KilledClean {
        calls: u64,
    },
    TouchBronze,
}

impl Telling {
    /// The names and bodies of the objects, in the order of their arrival.
    fn objects(&self, bronze: &Bronze) -> Vec<(String, String)> {
        let mut objects = Vec::new();
        for (cuts, (dataset, rows)) in self.cuts.iter().zip(bronze) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).collect();
            cuts.extend([0, rows.len()]);
            cuts.sort_unstable();
            for (number, cut) in cuts.windows(2).enumerate() {
                let body = dataset.body(&rows[cut[0]..cut[1]], self.style + number);
                objects.push((dataset.object(number), body));
            }
        }
        let mut ordered: Vec<_> = self.arrival.iter().zip(objects).collect();
        ordered.sort_by_key(|(arrival, _)| **arrival);
        ordered.into_iter().map(|(_, object)| object).collect()
    }

    /// A lake to which all of this has happened.
    fn tell(&self, bronze: &Bronze) -> Lake {
        let lake = Lake::new();
        let mut objects = self.objects(bronze).into_iter();
        for (more, step) in &self.steps {
            objects.by_ref().take(*more).for_each(|(name, body)| lake.bronze(&name, body));
            step.happen(&lake);
        }
        objects.for_each(|(name, body)| lake.bronze(&name, body));
        lake
    }
}

impl Step {
    fn happen(self, lake: &Lake) {
        let kill = |verb, calls| {
            let mut running = Running::start(lake, &[verb]);
            running.runs_until(calls);
            running.kill();
        };
        match self {
            Self::Run => drop(lake.smelt(&["run"])),
            Self::Clean => drop(lake.smelt(&["clean"])),
            Self::Aggregate => drop(lake.smelt(&["aggregate"])),
            Self::KilledRun { calls } => kill("run", calls),
            Self::KilledClean { calls } => kill("clean", calls),
            Self::TouchBronze => {
                for (name, body) in lake.files("bronze").into_iter().take(2) {
                    lake.bronze(&name, body);
                }
            }
        }
    }
}

#[test]
fn gold_is_a_function_of_the_rows_of_bronze() {
    let seed = std::env::var("SMELT_TEST_SEED").ok().map_or_else(any_seed, |seed| seed.parse().expect("a number"));
    let cases = std::env::var("PROPTEST_CASES").ok().map_or(16, |cases| cases.parse().expect("a number"));
    println!("SMELT_TEST_SEED={seed} repeats this test; PROPTEST_CASES sets how many cases it tries");
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&(bronze(), [telling(), telling()]), |(bronze, tellings)| {
        let expected = answer(&bronze);
        for telling in &tellings {
            let lake = telling.tell(&bronze);
            lake.smelt(&["run"]);

            prop_assert_eq!(&audit(&lake), &expected.totals);
            prop_assert_eq!(&lake.gold(), &expected.gold);
            for dataset in Dataset::ALL.map(Dataset::name) {
                prop_assert_eq!(&lake.silver(dataset), &expected.silver[dataset]);
            }
            let again = lake.json(&["run"]);
            prop_assert_eq!(&again["cleaned"], 0);
            prop_assert_eq!(&lake.gold(), &expected.gold);
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("SMELT_TEST_SEED={seed}: {error}");
    }
}

/// Another one each time.
fn any_seed() -> u64 {
    use std::hash::BuildHasher as _;
    std::hash::RandomState::new().hash_one(0)
}

fn telling() -> impl Strategy<Value = Telling> {
    let cuts = || vec(any::<Index>(), 0..5);
    let step = prop_oneof![
        3 => Just(Step::Run),
        4 => Just(Step::Clean),
        2 => Just(Step::Aggregate),
        // Loading the pipeline takes about 230 calls, and a run of a few objects about as many again.
        2 => (100..500u64).prop_map(|calls| Step::KilledRun { calls }),
        2 => (100..400u64).prop_map(|calls| Step::KilledClean { calls }),
        1 => Just(Step::TouchBronze),
    ];
    let (arrival, steps) = (vec(any::<u16>(), 15), vec((0..5usize, step), 0..7));
    (cuts(), cuts(), cuts(), 0..4usize, arrival, steps).prop_map(
        |(clicks, customers, orders, style, arrival, steps)| Telling {
            cuts: [clicks, customers, orders],
            style,
            arrival,
            steps,
        },
    )
}

fn bronze() -> impl Strategy<Value = Bronze> {
    let rows = (vec(click(), 0..25), vec(customer(), 0..25), vec(order(), 0..60));
    rows.prop_map(|(clicks, customers, orders)| {
        Bronze::from([(Dataset::Clicks, clicks), (Dataset::Customers, customers), (Dataset::Orders, orders)])
    })
}
