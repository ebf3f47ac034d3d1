//! Loads a plugin on both engines, and tests whether its description is sound and constant.

use serde_json::Value;

use crate::bench::{AS_OF, Bench};
use crate::engines::{Engines, Plugins};
use crate::options::Options;
use crate::report::{About, Failure, Report, Verdict, failed, failure, passed};
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::glob::Pattern;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Cleaner, Contract, Engine, Generator, Identified, Identity, Kpi, Limits, check_parameters};

/// A plugin of any kind, as the kit needs it.
pub(crate) trait Plugin: Sized {
    const WORLD: &'static str;
    fn identify(engine: &Engine, name: &str, binary: &Binary, limits: &Limits) -> Result<Identified<Self>>;
    fn identity(&self) -> &Identity;
    fn describe_again(&self, times: usize) -> Result<Vec<String>>;
    /// Returns the summaries of the parts of the plugin: the name of the part, and the text.
    fn summaries(&self) -> Vec<(String, &str)>;
    /// Fails if the host would refuse the plugin when it loads a pipeline.
    fn refusal(&self) -> Result<()>;
}

macro_rules! plugin {
    ($kind:ident, $world:literal, |$plugin:ident| $summaries:expr, $refusal:expr) => {
        impl Plugin for $kind {
            const WORLD: &'static str = $world;

            fn identify(engine: &Engine, name: &str, binary: &Binary, limits: &Limits) -> Result<Identified<Self>> {
                Self::identify(engine, name, binary, limits, &Pseudonyms::default())
            }

            fn identity(&self) -> &Identity {
                self.identity()
            }

            fn describe_again(&self, times: usize) -> Result<Vec<String>> {
                self.describe_again(times)
            }

            fn summaries(&self) -> Vec<(String, &str)> {
                let $plugin = self;
                $summaries
            }

            fn refusal(&self) -> Result<()> {
                let $plugin = self;
                $refusal
            }
        }
    };
}

plugin!(
    Cleaner,
    "cleaner",
    |plugin| plugin.spec().rules.iter().map(|rule| (format!("rule `{}`", rule.name), rule.summary.as_str())).collect(),
    plugin.check_rules()
);
plugin!(Kpi, "kpi", |_plugin| vec![], Ok(()));
plugin!(
    Generator,
    "source",
    |_plugin| vec![],
    _plugin.spec().objects.iter().try_for_each(|glob| {
        Pattern::parse(glob).map(drop).map_err(|error| error.context(format!("objects = \"{glob}\"")))
    })
);

/// A component on the usual engine and on the plain one.
type Both<P> = (Identified<P>, Identified<P>);

/// Loads the plugin on both engines. Returns it if its description and the parameters are right.
pub(crate) fn load<'b, P: Plugin>(
    report: &mut Report,
    engines: &Engines,
    name: &str,
    binary: &'b Binary,
    options: &'b Options,
    contract: Contract,
) -> Option<(Plugins<P>, Bench<'b>)> {
    // Code that is not optimised is slow, so calls get more time there. The usual engine enforces the real limit.
    let patient = Limits { call_ms: options.limits.call_ms.saturating_mul(10), ..options.limits.clone() };
    let identify = || -> Result<Both<P>> {
        let usual = P::identify(&engines.usual, name, binary, &options.limits)?;
        Ok((usual, P::identify(&engines.plain, name, binary, &patient)?))
    };
    let params = Value::Object(options.parameters.clone()).to_string();
    let (mut both, mut plugins) = (None, None);
    let describes = contract.describes_parameters();
    if describes {
        report.test("identity", &["imports"], || match identify() {
            Ok(found) => {
                let (component, _) = both.insert(found);
                judged(component.identity(), wrong_identity(component.identity()))
            }
            Err(error) => failed("`identify`", error.to_string(), "docs/contract.md, wit/"),
        });
        let (usual, plain) = both?;
        about::<P>(report, usual.identity());
        report.test("parameters", &["identity"], || fit(usual.identity(), options, &params));
        report.test("description", &["parameters"], || {
            let described = usual.describe(&params).and_then(|it| Ok((it, plain.describe(&params)?)));
            match described {
                Ok((found, plain)) => {
                    let verdict = judged(usual.identity(), wrong_description(&found));
                    plugins = Some(Plugins { usual: found, plain, component: usual });
                    verdict
                }
                Err(error) if error.kind() == Kind::InvalidConfig => {
                    Verdict::CouldNotRun(format!("{error}; give other parameters with --parameters"))
                }
                Err(error) => failed(format!("`describe` with {params}"), error.to_string(), "docs/contract.md, wit/"),
            }
        });
    } else {
        report.test("description", &["imports"], || {
            let described = identify().and_then(|(usual, plain)| {
                let found = usual.describe_anyway(&params)?;
                Ok(Plugins { usual: found, plain: plain.describe_anyway(&params)?, component: usual })
            });
            match described {
                Ok(described) => {
                    let plugin = &plugins.insert(described).usual;
                    let identity = plugin.identity();
                    judged(identity, [wrong_identity(identity), wrong_description(plugin)].concat())
                }
                Err(error) => failed("`describe`", error.to_string(), "docs/contract.md, wit/"),
            }
        });
    }
    let plugins = plugins?;
    about::<P>(report, plugins.usual.identity());
    report.test("stable description", &["description"], || stable(&plugins));
    if !describes {
        report.test("parameters", &["description"], || fit(plugins.usual.identity(), options, &params));
    }
    let is_sound = report.has_passed("parameters") && (!describes || report.has_passed("description"));
    is_sound.then_some((plugins, Bench { options, component: binary.bytes(), as_of: AS_OF }))
}

/// Notes which plugin the report is about.
fn about<P: Plugin>(report: &mut Report, identity: &Identity) {
    let Identity { name, version, binary, contract, .. } = identity;
    report.plugin = Some(About {
        name: name.to_string(),
        version: version.clone(),
        world: P::WORLD,
        contract: contract.version(),
        sha256: binary.sha256().to_owned(),
    });
}

/// Tests whether the schema accepts the parameters.
fn fit(identity: &Identity, options: &Options, params: &str) -> Verdict {
    match check_parameters(identity, &options.parameters.clone().into()) {
        Ok(()) => passed(params),
        Err(error) if error.kind() == Kind::InvalidConfig => {
            Verdict::CouldNotRun(format!("{error}; give others with --parameters"))
        }
        Err(error) => failed(says(identity), error.to_string(), "`parameters` is a JSON Schema (2020-12)"),
    }
}

/// Returns the call in which a plugin says who it is.
fn says(identity: &Identity) -> &'static str {
    if identity.contract.describes_parameters() { "`identify`" } else { "`describe`" }
}

fn judged(identity: &Identity, failures: Vec<Failure>) -> Verdict {
    match failures.is_empty() {
        true => passed(format!("{} {}", identity.name, identity.version)),
        false => Verdict::Failed(failures),
    }
}

/// Returns what is wrong with who the plugin is: it has a semantic version and a summary.
fn wrong_identity(identity: &Identity) -> Vec<Failure> {
    let mut failures = Vec::new();
    if !is_semantic(&identity.version) {
        let told = format!("version `{}`", identity.version);
        failures.push(failure(says(identity), told, "`version` is a semantic version, such as 1.0.0"));
    }
    failures.extend(wrong_summary(says(identity), "the plugin", &identity.summary));
    failures
}

/// Returns what is wrong with what the plugin is: its parts have summaries, and the host accepts it.
fn wrong_description<P: Plugin>(plugin: &P) -> Vec<Failure> {
    let summaries = plugin.summaries();
    let wrong = summaries.iter().filter_map(|(of, summary)| wrong_summary("`describe`", of, summary));
    let mut failures: Vec<_> = wrong.collect();
    if let Err(error) = plugin.refusal() {
        let contract = "docs/contract.md; the host refuses to load such a plugin";
        failures.push(failure("`describe`", error.to_string(), contract));
    }
    failures
}

fn wrong_summary(call: &str, of: &str, summary: &str) -> Option<Failure> {
    let is_wrong = summary.trim().is_empty() || summary.chars().any(char::is_control);
    let told = || format!("the summary of {of} is `{}`", summary.escape_debug());
    is_wrong.then(|| failure(call, told(), "`summary` is one sentence"))
}

/// Returns whether the version is `1.2.3`, perhaps with a suffix after `-` or `+` (<https://semver.org>).
fn is_semantic(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<_> = core.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(number)
}

/// Tests whether the description is the same in every call and instance.
fn stable<P: Plugin>(plugins: &Plugins<P>) -> Verdict {
    let (calls, contract) = match plugins.usual.identity().contract.describes_parameters() {
        true => (
            "`identify` and `describe`",
            "`identify` is constant, and `describe` gives the same for the same parameters, in every call and instance",
        ),
        false => ("`describe`", "`describe` is constant"),
    };
    let mut seen: Vec<(String, String)> = Vec::new();
    for (engine, plugin) in [("the usual engine", &plugins.usual), ("the plain engine", &plugins.plain)] {
        for instance in 1..=2 {
            let place = format!("{calls}, three times in instance {instance} of {engine}");
            match plugin.describe_again(3) {
                Ok(descriptions) => seen.extend(descriptions.into_iter().map(|text| (place.clone(), text))),
                Err(error) => return failed(place, error.to_string(), contract),
            }
        }
    }
    match seen.iter().find(|(_, text)| *text != seen[0].1) {
        None => passed(format!("{} calls in 4 instances", seen.len())),
        Some((place, other)) => {
            let at = seen[0].1.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
            let part = |text: &str| {
                String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(30)..]).chars().take(80).collect::<String>()
            };
            let told = format!("first …{}\nthen  …{}", part(&seen[0].1), part(other));
            failed(place.clone(), told, contract)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_semantic;

    #[test]
    fn semantic_versions_have_three_numbers() {
        for good in ["0.1.0", "1.0.0-alpha.1", "10.20.30+build"] {
            assert!(is_semantic(good), "{good}");
        }
        for bad in ["", "1", "1.0", "1.0.x", "v1.0.0", "1..0", "1.0.0.0"] {
            assert!(!is_semantic(bad), "{bad}");
        }
    }
}
