//! Loads a plugin on both engines, and tests whether its description is sound and constant.

use serde_json::Value;

use crate::bench::{AS_OF, Bench};
use crate::engines::{Engines, Plugins};
use crate::options::Options;
use crate::report::{About, Report, Verdict, failed, failure, passed};
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::glob::Pattern;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Cleaner, Engine, Generator, Identity, Kpi, Limits, check_parameters};

/// A plugin of any kind, as the kit needs it.
pub(crate) trait Plugin: Sized {
    const WORLD: &'static str;
    fn load(engine: &Engine, name: &str, binary: &Binary, limits: &Limits) -> Result<Self>;
    fn identity(&self) -> &Identity;
    fn describe_again(&self, times: usize) -> Result<Vec<String>>;
    /// Returns the summaries of the plugin and its parts: the name of the part, and the text.
    fn summaries(&self) -> Vec<(String, &str)>;
    /// Fails if the host would refuse the plugin when it loads a pipeline.
    fn refusal(&self) -> Result<()>;
}

macro_rules! plugin {
    ($kind:ident, $world:literal, |$plugin:ident| $summaries:expr, $refusal:expr) => {
        impl Plugin for $kind {
            const WORLD: &'static str = $world;

            fn load(engine: &Engine, name: &str, binary: &Binary, limits: &Limits) -> Result<Self> {
                Self::load(engine, name, binary, limits, &Pseudonyms::default())
            }

            fn identity(&self) -> &Identity {
                self.identity()
            }

            fn describe_again(&self, times: usize) -> Result<Vec<String>> {
                self.describe_again(times)
            }

            fn summaries(&self) -> Vec<(String, &str)> {
                let $plugin = self;
                let mut all = vec![("the plugin".to_owned(), self.spec().identity.summary.as_str())];
                all.extend($summaries);
                all
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
    |plugin| plugin.spec().rules.iter().map(|rule| (format!("rule `{}`", rule.name), rule.summary.as_str())),
    plugin.check_rules()
);
plugin!(Kpi, "kpi", |_plugin| [], Ok(()));
plugin!(
    Generator,
    "source",
    |_plugin| [],
    _plugin.spec().objects.iter().try_for_each(|glob| Pattern::parse(glob).map(|_| ()))
);

/// Loads the plugin on both engines. Returns it if its description and the parameters are right.
pub(crate) fn load<'b, P: Plugin>(
    report: &mut Report,
    engines: &Engines,
    name: &str,
    binary: &'b Binary,
    options: &'b Options,
) -> Option<(Plugins<P>, Bench<'b>)> {
    // Code that is not optimised is slow, so calls get more time there. The usual engine enforces the real limit.
    let patient = Limits { call_ms: options.limits.call_ms.saturating_mul(10), ..options.limits.clone() };
    let mut plugins = None;
    report.test("description", &["imports"], || {
        let usual = P::load(&engines.usual, name, binary, &options.limits);
        let both = usual.and_then(|usual| Ok((usual, P::load(&engines.plain, name, binary, &patient)?)));
        match both {
            Ok((usual, plain)) => sound(&plugins.insert(Plugins { usual, plain }).usual),
            Err(error) => failed("`describe`", error.to_string(), "docs/contract.md, wit/"),
        }
    });
    let plugins = plugins?;
    let Identity { name, version, binary: loaded, contract, uses_as_of, .. } = plugins.usual.identity();
    report.plugin = Some(About {
        name: name.to_string(),
        version: version.clone(),
        world: P::WORLD,
        contract: contract.version(),
        sha256: loaded.sha256().to_owned(),
    });
    let component = binary.bytes();
    let bench = Bench {
        options,
        component,
        params: Value::Object(options.parameters.clone()).to_string(),
        as_of: uses_as_of.then_some(AS_OF),
    };
    report.test("stable description", &["description"], || stable(&plugins));
    report.test("parameters", &["description"], || {
        match check_parameters(plugins.usual.identity(), &options.parameters.clone().into()) {
            Ok(()) => passed(bench.params.clone()),
            Err(error) if error.kind() == Kind::InvalidConfig => {
                Verdict::CouldNotRun(format!("{error}; give others with --parameters"))
            }
            Err(error) => failed("`describe`", error.to_string(), "`parameters` is a JSON Schema (2020-12)"),
        }
    });
    report.has_passed("parameters").then_some((plugins, bench))
}

/// Tests whether the description has a semantic version and summaries, and is one that the host accepts.
fn sound<P: Plugin>(plugin: &P) -> Verdict {
    let mut failures = Vec::new();
    let mut wrong = |came_back: String, contract: &str| failures.push(failure("`describe`", came_back, contract));
    let Identity { name, version, .. } = plugin.identity();
    if !is_semantic(version) {
        wrong(format!("version `{version}`"), "`version` is a semantic version, such as 1.0.0");
    }
    for (of, summary) in plugin.summaries() {
        if summary.trim().is_empty() || summary.chars().any(char::is_control) {
            wrong(format!("the summary of {of} is `{}`", summary.escape_debug()), "`summary` is one sentence");
        }
    }
    if let Err(error) = plugin.refusal() {
        wrong(error.to_string(), "docs/contract.md; the host refuses to load such a plugin");
    }
    match failures.is_empty() {
        true => passed(format!("{name} {version}")),
        false => Verdict::Failed(failures),
    }
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
    let mut seen: Vec<(String, String)> = Vec::new();
    for (engine, plugin) in [("the usual engine", &plugins.usual), ("the plain engine", &plugins.plain)] {
        for instance in 1..=2 {
            let place = format!("`describe`, three times in instance {instance} of {engine}");
            match plugin.describe_again(3) {
                Ok(descriptions) => seen.extend(descriptions.into_iter().map(|text| (place.clone(), text))),
                Err(error) => return failed(place, error.to_string(), "`describe` is constant"),
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
            failed(place.clone(), told, "`describe` is constant")
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
