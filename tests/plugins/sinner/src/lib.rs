//! A cleaner that sins where its rows tell it to, as far as the SDK lets it: each row has an `id` and perhaps a `sin`.

use std::hint::black_box;

use smelt_sdk::prelude::*;

const BAD: Rule = Rule::reject("bad", "The row says that it is bad.");
const FIXED: Rule = Rule::repair("fixed", "The row says that it was fixed.");
const SECRET: Rule = Rule::reject("secret", "A rule that the description does not have.");

struct Sinner;

impl Cleaner for Sinner {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .parameters(Parameters::none().text("open", "", "The sin to commit when opened."))
            .input(["id", "sin"])
            .output([text("id"), nullable(timestamp("taken_at")), nullable(date("day")), nullable(money("price"))])
            .rules([&BAD, &FIXED])
    }

    fn open(config: &Config) -> Result<Self> {
        match config.text("open")? {
            "panic" => panic!("I never open"),
            "fault" => Err(Fault::invalid_parameters("`open` must not be `fault`")),
            _ => Ok(Self),
        }
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (id, sin) = (rows.text("id")?, rows.text("sin")?);
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

fn keep(id: Option<&str>, row: usize, out: &mut Cleaned) {
    out.keep(row).text(id).timestamp(None).date(None).decimal::<2>(None);
}

#[expect(unconditional_recursion, reason = "the sin")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1)) + 1)
}

export_cleaner!(Sinner);
