//! A KPI that counts rows. Its parameters can make it panic or break a law.

use std::cell::Cell;
use std::collections::HashSet;

use smelt_sdk::prelude::*;

struct SinfulCount {
    panic_in: String,
    breaks: String,
    ids: Vec<String>,
    /// The number of calls so far. To remember it is one of the sins.
    asked: Cell<i64>,
    updates: usize,
    folds: Cell<i64>,
}

impl SinfulCount {
    fn maybe(&self, call: &str) {
        assert_ne!(self.panic_in, call, "I cannot");
    }

    /// Returns 1 if that law is to be broken, and 0 otherwise.
    fn one_too_many(&self, law: &str) -> i64 {
        i64::from(self.breaks == law)
    }
}

impl Kpi for SinfulCount {
    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .parameters(Parameters::none().text("panic_in", "", "The call that panics.").text(
                "breaks",
                "",
                "The law that it breaks.",
            ))
            .input("rows", [text("id")])
            .fold_by([text("id")], [], [int64("rows")])
            .sums([], [int64("rows")])
            .output([int64("rows")])
            .key([])
    }

    fn open(config: &Config) -> Result<Self> {
        let new = Self {
            panic_in: config.text("panic_in")?.to_owned(),
            breaks: config.text("breaks")?.to_owned(),
            ids: Vec::new(),
            asked: Cell::new(0),
            updates: 0,
            folds: Cell::new(0),
        };
        new.maybe("open");
        Ok(new)
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        self.maybe("update");
        let ids = rows.text("id")?;
        let seldom = |id: &str| self.breaks == "distinct" && self.ids.iter().any(|known| known == id);
        let new: Vec<_> = rows.rows().map(|row| ids.value(row).to_owned()).filter(|id| !seldom(id)).collect();
        self.updates += 1;
        self.ids.extend(new);
        let known = |ids: &[String], id: &str| ids.iter().filter(|known| *known == id).count();
        let lost = match self.breaks.as_str() {
            "seventh update" => self.updates == 7,
            "last row of many" => rows.len() >= 1000,
            "last row of 17" => rows.len() == 17,
            // Loses the third row of a long key, if it comes after the second update.
            "long keys again" => {
                self.ids.last().is_some_and(|id| id.len() > 60 && known(&self.ids, id) == 3 && self.updates > 2)
            }
            "a word again" => self.ids.iter().filter(|id| *id == "jackdaw").count() > 1,
            _ => false,
        };
        if lost {
            self.ids.pop();
        }
        if self.breaks == "many keys" && rows.len() > 1 {
            let mut kept = HashSet::new();
            self.ids.retain(|id| kept.contains(id) || kept.len() < 20_000 && kept.insert(id.clone()));
        }
        let is_empty = |row| ids.get(row).is_some_and(str::is_empty);
        assert!(self.breaks != "empty keys" || !rows.rows().any(is_empty), "I need a key");
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        self.maybe("state");
        self.ids.iter().for_each(|id| drop(out.row().text(id.as_str()).integer(1)));
        if self.breaks == "no rows" {
            out.row().text("nothing").integer(1);
        }
        // No split of the rows makes so many, but half of them do.
        if self.breaks == "removal" && (200..300).contains(&self.ids.len()) {
            out.row().text("estimated").integer(1);
        }
        if self.breaks == "order"
            && let Some(first) = self.ids.first()
        {
            out.row().text(first.as_str()).integer(1);
        }
        Ok(())
    }

    fn forget(&mut self, config: &Config) -> Result<()> {
        if self.breaks != "forget" {
            *self = Self::open(config)?;
        }
        Ok(())
    }

    fn fold(&self, _stage: usize, groups: &Batch, out: &mut Table) -> Result<()> {
        self.maybe("fold");
        let rows = groups.integers("rows")?;
        self.folds.set(self.folds.get() + 1);
        let tired = if self.folds.get() > 30 { self.one_too_many("thirtieth fold") } else { 0 };
        let crowded = if groups.rows().len() > 50_000 { self.one_too_many("fold many") } else { 0 };
        let more = self.one_too_many("fold together") + tired + crowded;
        out.row().integer(groups.rows().map(|row| rows.value(row)).sum::<i64>() + more);
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        self.maybe("evaluate");
        if self.breaks == "hash order" {
            let first = (0..1000).collect::<HashSet<_>>().into_iter().next();
            out.row().integer(first);
            return Ok(());
        }
        let rows = sums.integers("rows")?;
        let more = self.asked.get() * self.one_too_many("evaluate again");
        self.asked.set(self.asked.get() + 1);
        for _ in 0..=self.one_too_many("key") {
            out.row().integer(sums.rows().map(|row| rows.value(row)).sum::<i64>() + more);
        }
        Ok(())
    }
}

export_kpi!(SinfulCount);
