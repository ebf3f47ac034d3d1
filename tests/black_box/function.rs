//! Gold is a function of the rows of bronze alone: not of how they were cut into objects, in which order these came, how
//! often smelt ran, or when it was killed.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::support::Lake;
use crate::support::audit::audit;
use crate::support::process::{Running, pause};
use crate::support::reference::{Bronze, answer};
use crate::support::rows::{Cell, Dataset, Row};

/// How the rows get into bronze and what smelt does meanwhile.
#[derive(Debug, Clone)]
struct Telling {
    /// Where each dataset's rows are cut into objects.
    cuts: [Vec<Index>; 3],
    /// How objects are written.
    style: usize,
    /// The objects come in the order of these numbers.
    arrival: Vec<u16>,
    /// What smelt does after how many more objects.
    steps: Vec<(usize, Step)>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Run,
    Clean,
    Aggregate,
    KilledRun { millis: u64 },
    KilledClean { millis: u64 },
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
        let kill = |verb, millis| {
            let running = Running::start(lake, &[verb]);
            pause(Duration::from_millis(millis));
            running.kill();
        };
        match self {
            Self::Run => drop(lake.smelt(&["run"])),
            Self::Clean => drop(lake.smelt(&["clean"])),
            Self::Aggregate => drop(lake.smelt(&["aggregate"])),
            Self::KilledRun { millis } => kill("run", millis),
            Self::KilledClean { millis } => kill("clean", millis),
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
        2 => (10..90u64).prop_map(|millis| Step::KilledRun { millis }),
        2 => (10..60u64).prop_map(|millis| Step::KilledClean { millis }),
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

fn click() -> impl Strategy<Value = Row> {
    let page = select(vec!["/", "/cart", " /cart ", "/été", "/a,b\"c\"", ""]).prop_map(Cell::text);
    let ip = prop_oneof![
        8 => any::<[u8; 4]>().prop_map(|[a, b, c, d]| Cell::text(format!("{a}.{b}.{c}.{d}"))),
        1 => select(vec!["999.999.999.999", "256.1.1.1", "1.2.3", "1.2.3.4.5", "::1", "", "1.2.3.-4"]).prop_map(Cell::text),
        1 => Just(Cell::Absent),
    ];
    let malformed =
        select(vec![r#"{"customer_id": "C1", "pa"#, "[1, 2]", "<html>502</html>", "17", r#"{"ts": }"#, "null"]);
    prop_oneof![
        9 => (customer_id(), page, ip, instant()).prop_map(|(id, page, ip, ts)| Row::Record(vec![id, page, ip, ts])),
        1 => malformed.prop_map(|line| Row::Malformed(line.to_owned())),
    ]
}

fn customer() -> impl Strategy<Value = Row> {
    let name = || select(vec!["Ada", " grace ", "", "Émile", "ßen", "van, der \"X\"", "两", "="]).prop_map(Cell::text);
    let email = select(vec!["ada@example.org", " ADA@Example.ORG ", "", "  ", "é@example.net"]).prop_map(Cell::text);
    let country = select(vec!["FR", "FR", "DE", " BE ", "", "Côte d'Ivoire", "Korea, Republic of", "=1+1", "na", "NA"]);
    let signup = prop_oneof![
        8 => (2020..2026, 1..13u32, 1..29u32).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}")),
        1 => select(vec!["32/13/2025", "2025-02-30", "", "2024-02-29", " 2023-01-01 ", "2025-1-01", "2023-02-29"]).prop_map(str::to_owned),
    ];
    let malformed = select(vec!["C1,Ada,Lovelace", "C1,Ada,King, Lovelace,a@b.org,FR,2025-01-01", "C1"]);
    let record = (customer_id(), name(), name(), email, country, signup);
    prop_oneof![
        12 => record.prop_map(|(id, first, last, email, country, signup)| {
            Row::Record(vec![id, first, last, email, Cell::text(country), Cell::text(signup)])
        }),
        1 => malformed.prop_map(|line| Row::Malformed(line.to_owned())),
    ]
}

fn order() -> impl Strategy<Value = Row> {
    let id = prop_oneof![
        12 => (0..18u32).prop_map(|id| Cell::text(format!("O{id}"))),
        1 => (0..4u32).prop_map(|id| Cell::Bare(id.to_string())),
        1 => select(vec![Cell::Absent, Cell::text(" "), Cell::Bare("null".to_owned()), Cell::text(" O3 ")]),
    ];
    let products: Vec<_> = (0..14).map(|product| Cell::text(format!("product {product}"))).collect();
    let odd = vec![
        Cell::Absent,
        Cell::text("NA"),
        Cell::text("=HYPERLINK(1)"),
        Cell::text("Crème, brûlée \"set\""),
        Cell::text(" "),
    ];
    let product = prop_oneof![3 => select(products), 1 => select(odd)];
    let channel =
        select(vec![Cell::text("web"), Cell::text("mobile"), Cell::text(" store "), Cell::Absent, Cell::text("@x")]);
    let malformed = select(vec![r#"{"order_id": "O1", "qua"#, "17", "not json", r#"{"order_id": "O1"}}"#]);
    let record = (id, customer_id(), product, number(), number(), number(), instant(), channel);
    prop_oneof![
        30 => record.prop_map(|(id, customer, product, quantity, price, total, ts, channel)| {
            Row::Record(vec![id, customer, product, quantity, price, total, ts, channel])
        }),
        1 => malformed.prop_map(|line| Row::Malformed(line.to_owned())),
    ]
}

fn customer_id() -> impl Strategy<Value = Cell> {
    prop_oneof![
        12 => (0..10u32).prop_map(|id| Cell::text(format!("C{id}"))),
        1 => select(vec![Cell::text(""), Cell::text("nobody knows"), Cell::text(" C2 ")]),
    ]
}

/// Numbers and what is none, as JSON numbers and as text.
fn number() -> impl Strategy<Value = Cell> {
    let written = prop_oneof![
        4 => (0..400u32, 0..100u32).prop_map(|(whole, cents)| format!("{whole}.{cents:02}")),
        2 => (0..9u32).prop_map(|whole| whole.to_string()),
        1 => (0..30u32, 0..1000u32).prop_map(|(whole, thousandths)| format!("{whole}.{thousandths:03}")),
        1 => select(vec!["-3", "-0.01", "-0", "1e2", "2.5E-1", "0.005", "-0.004", "0"]).prop_map(str::to_owned),
    ];
    let odd = vec![
        Cell::Absent,
        Cell::Bare("null".to_owned()),
        Cell::Bare("true".to_owned()),
        Cell::Bare("1e400".to_owned()),
        Cell::text(""),
        Cell::text("many"),
        Cell::text("NaN"),
        Cell::text("1,5"),
        Cell::text("00012"),
    ];
    prop_oneof![
        6 => written.clone().prop_map(Cell::Bare),
        2 => written.prop_map(|number| Cell::text(format!(" {number} "))),
        1 => select(odd),
    ]
}

/// Few of them, so that there are ties, in all the ways in which they may be written.
fn instant() -> impl Strategy<Value = Cell> {
    let valid = (
        1..4u32,
        select(vec!["10:00:00", "00:30:00", "23:59:59.25"]),
        select(vec!["Z", "", "+02:00", "-01:30"]),
        "[T ]",
    );
    let odd =
        vec!["2025-02-30T00:00:00Z", "2025-01-01T24:00:00Z", "2016-12-31T23:59:60Z", "13/01/2025", "", "yesterday"];
    prop_oneof![
        12 => valid.prop_map(|(day, time, zone, between)| Cell::text(format!("2025-01-{day:02}{between}{time}{zone}"))),
        1 => select(odd).prop_map(Cell::text),
        1 => Just(Cell::Absent),
    ]
}
