//! A cleaner that describes itself differently each time it is asked.

use std::sync::atomic::{AtomicU32, Ordering};

use smelt_sdk::prelude::*;

struct Fickle;

static ASKED: AtomicU32 = AtomicU32::new(0);

impl Cleaner for Fickle {
    fn describe() -> CleanerDescription {
        let mut description = describe_cleaner(identity!()).input(["id"]).output([nullable(text("id"))]);
        description.identity.version = format!("1.0.{}", ASKED.fetch_add(1, Ordering::Relaxed));
        description
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self)
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let id = rows.text("id")?;
        rows.rows().for_each(|row| drop(out.keep(row).text(id.get(row))));
        Ok(())
    }
}

export_cleaner!(Fickle);
