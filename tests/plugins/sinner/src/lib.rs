//! A cleaner that breaks rules ("sins") when its rows tell it to, as far as the SDK lets it. Each row has an `id` and
//! perhaps a `sin`. With the parameter `always` it ignores the rows' sins, and commits that one sin or none.

use std::collections::HashSet;
use std::hint::black_box;

use smelt_sdk::prelude::*;

const BAD: Rule = Rule::reject("bad", "The row says that it is bad.");
const FIXED: Rule = Rule::repair("fixed", "The row says that it was fixed.");
const SECRET: Rule = Rule::reject("secret", "A rule that the description does not have.");

struct Sinner {
    always: Option<String>,
    /// The numbers of rows and batches so far. To remember them is one of the sins.
    rows: i64,
    batches: i64,
    /// The ids that were seen. To remember them is another sin.
    seen: HashSet<String>,
}

impl Cleaner for Sinner {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .parameters(Parameters::none().text("open", "", "The sin to commit when opened.").text(
                "always",
                "",
                "The sin to commit whatever the rows say; `none` for none.",
            ))
            .input(["id", "sin"])
            .output([text("id"), nullable(timestamp("taken_at")), nullable(date("day")), nullable(money("price"))])
            .rules([&BAD, &FIXED])
    }

    fn open(config: &Config) -> Result<Self> {
        match config.text("open")? {
            "panic" => panic!("I never open"),
            "fault" => Err(Fault::invalid_parameters("`open` must not be `fault`")),
            _ => Ok(Self {
                always: Some(config.text("always")?).filter(|sin| !sin.is_empty()).map(str::to_owned),
                rows: 0,
                batches: 0,
                seen: HashSet::new(),
            }),
        }
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (id, sin) = (rows.text("id")?, rows.text("sin")?);
        if let Some(always) = self.always.clone() {
            return self.sin(&always, rows, out);
        }
        for row in rows.rows() {
            match sin.trimmed(row).unwrap_or_default() {
                "" => keep(id.get(row), row, out),
                "reject" => out.reject(row, &BAD),
                "repair" => {
                    keep(id.get(row), row, out);
                    out.repair(&FIXED);
                }

                "panic" => panic!("the row is too much for me"),
                "index" => drop(black_box(vec![0; row])[row + 1]),
                "recurse" => drop(recurse(black_box(1))),
                "fault" => return Err(Fault::invalid_input("I do not like this batch")),
                "loop" => loop {
                    black_box(row);
                },
                "hog" => {
                    let mut hoard = Vec::new();
                    loop {
                        hoard.push(black_box(vec![1u8; 1 << 20]));
                    }
                }
                "flood" => keep(Some(&"x".repeat(4 << 20)), row, out),
                "chatter" => {
                    (0..100_000).for_each(|_| log(Level::Warn, &"chatter ".repeat(100)));
                    keep(id.get(row), row, out);
                }
                "chatter and panic" => {
                    (0..1000).for_each(|_| log(Level::Warn, &"chatter ".repeat(100)));
                    panic!("the last word");
                }
                "escape" => return Err(Fault::internal("\x1b[31mred\nand a second line")),

                "drop" => {}
                "twice" => (0..2).for_each(|_| keep(id.get(row), row, out)),
                "both" => {
                    keep(id.get(row), row, out);
                    out.reject(row, &BAD);
                }
                "strange" => keep(id.get(row), row + 1000, out),
                "reject by repair" => out.reject(row, &FIXED),
                "secret rule" => out.reject(row, &SECRET),
                "repair too much" => {
                    keep(id.get(row), row, out);
                    (0..1000).for_each(|_| out.repair(&FIXED));
                }
                "no id" => keep(None, row, out),
                "short row" => drop(out.keep(row).text(id.get(row))),

                "far instant" => {
                    drop(out.keep(row).text(id.get(row)).timestamp(Timestamp(i64::MAX)).date(None).decimal::<2>(None))
                }
                "far date" => {
                    drop(out.keep(row).text(id.get(row)).timestamp(None).date(Date(i32::MAX)).decimal::<2>(None))
                }
                "vast price" => {
                    drop(
                        out.keep(row)
                            .text(id.get(row))
                            .timestamp(None)
                            .date(None)
                            .decimal(Money::from_units(i128::MAX)),
                    );
                }
                other => return Err(Fault::invalid_input(format!("no sin `{other}`"))),
            }
        }
        Ok(())
    }
}

impl Sinner {
    /// Rejects rows without an id and repairs some others, except for the one sin.
    fn sin(&mut self, sin: &str, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (ids, sins) = (rows.text("id")?, rows.text("sin")?);
        self.batches += 1;
        assert!(sin != "panic at the 800th batch" || self.batches < 800, "I am tired");
        assert!(sin != "panic at 33 rows" || rows.len() != 33, "33 is one too many");
        assert!(sin != "panic at no rows" || !rows.is_empty(), "I need a row");
        if sin == "tire" && rows.len() > 10_000 {
            loop {
                black_box(sin);
            }
        }
        for row in rows.rows() {
            self.rows += 1;
            let (id, other) = (ids.get(row), sins.get(row));
            let cells = || id.into_iter().chain(other);
            let (at_all_missing, at_huge, at_unicode, at_number) = (
                cells().next().is_none(),
                cells().any(|cell| cell.len() > 100_000),
                cells().any(|cell| cell.len() < 100_000 && !cell.is_ascii()),
                cells().any(|cell| cell == "9223372036854775808"),
            );
            match sin {
                "panic at all missing" => assert!(!at_all_missing, "I need a cell"),
                "panic at huge texts" => assert!(!at_huge, "that is too long"),
                "panic at unicode" => assert!(!at_unicode, "that is Greek to me"),
                "panic at numbers" => assert!(!at_number, "that is too great"),
                _ => {}
            }
            let Some(id) = id.filter(|id| !id.trim().is_empty()) else {
                match sin {
                    "no id" => keep(None, row, out),
                    _ => out.reject(row, &BAD),
                }
                continue;
            };
            let number = id.strip_prefix('k').and_then(|number| number.parse::<u64>().ok());
            let is_rare = number.is_some_and(|number| number > 1000 && number % 3 == 0);
            let remembered = match sin {
                "remember rare ids" => is_rare,
                "remember a word" => id == "jackdaw",
                _ => false,
            };
            if remembered && !self.seen.insert(id.to_owned()) {
                out.reject(row, &BAD);
                continue;
            }
            if sin == "secret rule for rare ids" && is_rare {
                out.reject(row, &SECRET);
                continue;
            }
            let price = match sin {
                "seventh batch" => i64::from(self.batches == 7),
                "last row of 129" => i64::from(rows.len() == 129 && row == 128),
                "remember rows" => self.rows,
                "remember batches" => self.batches,
                "hash order" => (0..1000).collect::<HashSet<i64>>().into_iter().next().unwrap_or_default(),
                _ => 0,
            };
            let taken_at = if sin == "far instant" { Some(Timestamp(i64::MAX)) } else { None };
            out.keep(row).text(id).timestamp(taken_at).date(None).decimal(Money::from_units(price.into()));
            let fix = match sin {
                "fix nothing" => false,
                "fix by batch" => row == 0,
                _ => id.ends_with('1'),
            };
            if fix {
                out.repair(&FIXED);
            }
        }
        Ok(())
    }
}

fn keep(id: Option<&str>, row: usize, out: &mut Cleaned) {
    out.keep(row).text(id).timestamp(None).date(None).decimal::<2>(None);
}

#[expect(unconditional_recursion, reason = "the sin")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1)) + 1)
}

export_cleaner!(Sinner);
