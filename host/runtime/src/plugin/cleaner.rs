//! Cleaners: plugins that turn batches of bronze rows into silver rows, and account for each row once.

use std::sync::Arc;

use arrow_array::RecordBatch;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::code::Code;
use super::identity::Identity;
use super::loaded::{Loaded, cost, instantiated};
use super::loader::loader;
use super::world::World;
use crate::bindings::{types, v0_1_0, v0_2_0, v0_3_0};
use crate::state::{State, arm, arm_with, outcome};
use crate::versions::{Earlier, Said, Versioned, earlier, whichever};
use crate::{CleanerSpec, Contract, ipc, native};
use smelt_common::Error;
use smelt_common::cost::Cost;
use smelt_common::error::{Breach, Result};
use smelt_common::profile;
use smelt_formats::{check_range, rule};

/// A loaded cleaner.
pub struct Cleaner {
    loaded: Loaded,
    code: Arc<Code<Pre>>,
    identity: Identity,
    spec: CleanerSpec,
    params: String,
}

loader!(Cleaner, cleaner, Cleaner, CleanerPre, smelt_plugin_cleaning, CleanerDescription, CleanerSpec);

/// A cleaner at work on one object.
pub struct Session<'p> {
    plugin: &'p Cleaner,
    store: Store<State>,
    instance: Instance,
    session: ResourceAny,
    /// The current batch as it is sent to the guest.
    stream: Vec<u8>,
    native: Option<native::Instance>,
}

/// The result of cleaning one batch. It is checked to account for each of its rows once.
#[derive(Debug)]
pub struct Cleaned {
    /// The kept rows, in the order of the batch.
    pub kept: RecordBatch,
    /// The index in the batch of each kept row.
    pub kept_rows: Vec<u32>,
    /// The rejected rows: the index in the batch, and the index of the rule.
    pub rejected: Vec<types::Rejection>,
    /// How many kept rows each rule changed.
    pub repaired: Vec<types::Repair>,
}

impl Cleaner {
    /// Checks that none of its rules has the name of a rule of the decoder. Both would be counted together.
    ///
    /// # Errors
    /// Returns [`Kind::InvalidConfig`](smelt_common::error::Kind::InvalidConfig) for such a rule.
    pub fn check_rules(&self) -> Result<()> {
        match self.spec.rules.iter().find(|declared| rule::ALL.contains(&declared.name.as_str())) {
            None => Ok(()),
            Some(rule) => {
                let (name, rule) = (&self.identity.name, &rule.name);
                Err(Error::config(format!(
                    "plugin `{name}` declares rule `{rule}`, a name that the host's decoder uses"
                )))
            }
        }
    }

    /// Opens a session in a store of its own. If its setting asks for a time, it is told `as_of`, in microseconds since
    /// the epoch.
    pub fn open(&self, as_of: i64) -> Result<Session<'_>> {
        let limits = &self.loaded.limits;
        let (params, as_of) = (self.spec.session.params.as_str(), self.spec.session.as_of(as_of));
        let mut store = self.loaded.store();
        let instance = Self::instance(self.code.pre()?, &mut store)?;
        arm(&mut store, limits);
        let called =
            whichever!(&instance, it => it.smelt_plugin_cleaning().session().call_open(&mut store, params, as_of));
        let session = outcome(&mut store, "open", called)?;
        let native = self.loaded.native(None, params, as_of)?;
        Ok(Session { plugin: self, store, instance, session, stream: vec![], native })
    }
}

impl Session<'_> {
    /// Cleans one batch of the declared input columns.
    ///
    /// # Errors
    /// Fails if the call fails, or if the plugin breaks the contract with its result.
    pub fn clean(&mut self, batch: &RecordBatch) -> Result<Cleaned> {
        let Self { plugin, store, instance, session, stream, native } = self;
        let limits = &plugin.loaded.limits;
        ipc::encode_into(batch, stream)?;
        arm_with(store, limits, batch.num_rows(), stream);
        let called = match native {
            None => {
                whichever!(instance, it => it.smelt_plugin_cleaning().session().call_clean(&mut *store, *session, stream))
            }
            Some(native) => Ok(native.clean(stream)),
        };
        let types::Cleaned { kept, kept_rows, rejected, repaired } = outcome(store, "clean a batch", called)?;
        let broken = |breach, what: &str| {
            Error::breach(breach, format!("plugin `{}` broke the contract in `clean`: {what}", plugin.loaded.name))
        };
        // The text may contain names that the guest gave its columns.
        let form = |what: String| broken(Breach::Form, "`kept`").in_words(what);
        let kept = ipc::decode(kept, &plugin.spec.output, limits.output_rows).map_err(form)?;
        let _span = profile::span("check kept rows", &plugin.loaded.name);
        // Rows of several objects are compared later. A row that cannot be written would then fail all of them.
        check_range(&kept).map_err(|error| form(error.to_string()))?;
        let cleaned = Cleaned { kept, kept_rows, rejected, repaired };
        let account = cleaned.check(batch.num_rows(), &plugin.spec.rules);
        account.map_err(|what| broken(Breach::Account, &what))?;
        Ok(cleaned)
    }

    /// Returns the description of its plugin.
    pub fn spec(&self) -> &CleanerSpec {
        &self.plugin.spec
    }

    /// Returns what it has used since it was opened.
    pub fn cost(&self) -> Cost {
        cost(&self.store)
    }
}

impl Cleaned {
    /// Checks that every row of the batch is kept or rejected once, and that the rules exist.
    fn check(&self, rows: usize, rules: &[types::Rule]) -> Result<(), String> {
        let Self { kept, kept_rows, rejected, repaired } = self;
        if kept.num_rows() != kept_rows.len() {
            return Err(format!("`kept` has {} rows, `kept-rows` {}", kept.num_rows(), kept_rows.len()));
        }
        let (mut keeps, mut rejects) = (kept_rows.iter().peekable(), rejected.iter().peekable());
        for row in 0..rows as u32 {
            if keeps.next_if(|&&kept| kept == row).is_none()
                && rejects.next_if(|rejection| rejection.row == row).is_none()
            {
                return Err(format!("row {row} of {rows} is neither kept nor rejected, or out of order"));
            }
        }
        if keeps.next().is_some() || rejects.next().is_some() {
            return Err(format!("rows are kept or rejected twice, or are not among the {rows} of the batch"));
        }
        let is = |rule: u32, action| rules.get(rule as usize).is_some_and(|rule| rule.action == action);
        if let Some(rejection) = rejected.iter().find(|rejection| !is(rejection.rule, types::RuleAction::Reject)) {
            return Err(format!("rule {} is not one of its {} rules, or does not reject", rejection.rule, rules.len()));
        }
        for types::Repair { rule, rows } in repaired {
            if !is(*rule, types::RuleAction::Repair) || *rows as usize > kept_rows.len() {
                return Err(format!("rule {rule} does not repair, or claims {rows} of {} kept rows", kept_rows.len()));
            }
        }
        Ok(())
    }
}
