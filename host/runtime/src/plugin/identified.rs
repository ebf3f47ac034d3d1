//! Components that have said who they are, and not yet what they do.

use serde_json::Value;

use super::identity::Identity;
use super::parameters::check_parameters;
use smelt_common::Error;
use smelt_common::error::Result;

/// A component that was loaded as a plugin of the kind `P`. What it does depends on its parameters.
pub struct Identified<P> {
    identity: Identity,
    describe: Describe<P>,
}

/// Gives the plugin as it is under parameters that were checked.
type Describe<P> = Box<dyn Fn(&str) -> Result<P> + Send + Sync>;

impl<P> Identified<P> {
    pub(super) fn new(identity: Identity, describe: impl Fn(&str) -> Result<P> + Send + Sync + 'static) -> Self {
        Self { identity, describe: Box::new(describe) }
    }

    /// Returns who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the plugin as it is under these parameters, a JSON object. The component is not compiled again.
    ///
    /// # Errors
    /// [`Kind::InvalidConfig`](smelt_common::error::Kind::InvalidConfig) if its schema or the plugin itself refuses the
    /// parameters, and an error if its description is wrong.
    pub fn describe(&self, params: &str) -> Result<P> {
        self.check(params)?;
        (self.describe)(params)
    }

    /// As [`describe`](Self::describe), to show what the plugin is. Before contract 0.3.0 the description is the same
    /// for all parameters, so there is one even for parameters that its schema refuses.
    pub fn describe_anyway(&self, params: &str) -> Result<P> {
        if self.identity.contract.describes_parameters() {
            self.check(params)?;
        }
        (self.describe)(params)
    }

    fn check(&self, params: &str) -> Result<()> {
        let params: Value = serde_json::from_str(params)
            .map_err(|error| Error::config(format!("plugin `{}`: parameters: {error}", self.identity.name)))?;
        check_parameters(&self.identity, &params)
    }
}
