//! The flags that choose rejected rows, and the bronze objects that have such rows.

use clap::Args;

use crate::common::Common;
use crate::table::{render, rules, short, thousands};
use smelt_catalog::look;
use smelt_common::error::Result;
use smelt_engine::quarantine::{Filter, Held, held};
use smelt_storage::Store;

/// The flags that choose rejected rows. Without any, all rows are chosen.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Only rows of this dataset
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Only rows that this rule rejected
    #[arg(long, value_name = "NAME")]
    pub(super) rule: Option<String>,
    /// Only rows of the bronze object of this name
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
    /// Only rows that a component rejected whose sha256 begins with these digits
    #[arg(long, value_name = "SHA256")]
    component: Option<String>,
}

impl Which {
    /// Returns the flags as the engine's filter.
    pub(super) fn filter(&self) -> Filter {
        let Self { dataset, rule, object, component } = self;
        Filter { dataset: dataset.clone(), rule: rule.clone(), object: object.clone(), component: component.clone() }
    }

    /// Does the work with the bronze objects that have such rows. Reads only the lake, and needs no pipeline.
    pub(super) fn held<T>(&self, common: &Common, work: impl Fn(&dyn Store, Vec<Held>) -> Result<T>) -> Result<T> {
        let store = common.existing_lake()?.open()?;
        look(&*store, |state| work(&*store, held(&*store, state, &self.filter())?))
    }
}

/// Returns a table of bronze objects with rejected rows.
pub(super) fn table(held: &[Held]) -> String {
    let row = |held: &Held| {
        let Held { dataset, object, component, read, rejected, quarantine, rejected_at: _ } = held;
        let key = quarantine.as_ref().map_or("not kept", |stored| stored.key.as_str());
        let component = short(component).to_owned();
        vec![dataset.clone(), object.clone(), thousands(*read), rules(rejected), component, key.to_owned()]
    };
    render(
        &["dataset", "bronze object", "read", "rejected", "component", "quarantine object"],
        &held.iter().map(row).collect::<Vec<_>>(),
    )
}
