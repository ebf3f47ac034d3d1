//! A source of a pipeline.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::section::canonical;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::glob::Pattern;
use smelt_common::text::guest_text;
use smelt_runtime::{Generator, Identified, Object, Tick};

/// The most bytes of an object's name, because file systems allow no more.
const LONGEST_NAME: usize = 255;

/// A source, ready to generate.
pub struct GeneratorStep {
    /// The name in the manifest.
    pub name: String,
    /// The number from which the source derives its randomness.
    pub seed: u64,
    /// The loaded component, with its parameters.
    pub plugin: Generator,
    /// The same component, for other parameters.
    component: Arc<Identified<Generator>>,
    /// The patterns of the objects that the source declares.
    families: Vec<Pattern>,
    /// Its parameters. Without those of the command line, they are the manifest's.
    parameters: Map<String, Value>,
}

impl GeneratorStep {
    pub(super) fn new(
        name: &str,
        seed: u64,
        component: Arc<Identified<Generator>>,
        parameters: Map<String, Value>,
    ) -> Result<Self> {
        let plugin = component.describe(&canonical(&parameters)?)?;
        let family =
            |glob: &String| Pattern::parse(glob).map_err(|error| error.context(format!("objects = \"{glob}\"")));
        let families = plugin.spec().objects.iter().map(family).collect::<Result<_>>();
        let families = families.map_err(|error| error.context(format!("plugin `{}`", plugin.identity().name)))?;
        Ok(Self { name: name.to_owned(), seed, plugin, component, families, parameters })
    }

    /// Returns the source with more parameters, which replace those of the same names.
    ///
    /// # Errors
    /// The plugin does not accept them.
    pub fn with(&self, more: &Map<String, Value>) -> Result<Self> {
        let mut parameters = self.parameters.clone();
        parameters.extend(more.clone());
        Self::new(&self.name, self.seed, Arc::clone(&self.component), parameters)
    }

    /// Returns the object's name for the given attempt, in case the names of earlier attempts are taken. It matches the
    /// same pattern as `name`.
    pub fn numbered(&self, name: &str, attempt: u32) -> String {
        let family = self.families.iter().find(|family| family.matches(name));
        family.map_or_else(|| name.to_owned(), |family| family.numbered(name, attempt, LONGEST_NAME))
    }

    /// Returns the objects of a tick.
    ///
    /// # Errors
    /// The plugin fails, or the name of an object matches no pattern that the plugin declares. Such an object could get
    /// into another dataset.
    pub fn generate(&self, tick: Tick) -> Result<Vec<Object>> {
        let objects = self.plugin.generate(tick)?;
        let is_foreign = |object: &&Object| !self.families.iter().any(|family| family.matches(&object.name));
        match objects.iter().find(is_foreign) {
            None => Ok(objects),
            Some(Object { name, .. }) => {
                let plugin = &self.plugin.identity().name;
                let families = guest_text(&self.plugin.spec().objects.join(", "), 300);
                Err(Error::plugin(format!("plugin `{plugin}` made an object `{name}`; it declares {families}")))
            }
        }
    }
}
