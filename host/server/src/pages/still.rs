//! A page that has no server to ask: its choices are words, and where they are few, every one of them is made beforehand.

use std::collections::BTreeMap;

use maud::{Markup, html};
use smelt_common::error::Result;

use super::draw::Around;
use super::numbers::words_of;
use super::render::{figures, head};
use super::section::PageSection;
use super::view::{Choice, Chosen, Days, PRESETS, as_parameters};
use crate::address::{Parameters, query};
use crate::charts::Locale;
use crate::lake::Seen;
use crate::links::Links;

/// The most views of a page: one of each of 12 values, and one of all.
const MOST_VIEWS: usize = 13;

/// A page, and each of its views.
pub(crate) struct Still {
    /// The title and the text.
    pub(crate) head: Markup,
    /// What is shown at first, then each other choice.
    pub(crate) views: Vec<View>,
}

/// The charts of a page after some choice.
pub(crate) struct View {
    /// Everything that is chosen, which tells views apart.
    pub(crate) state: BTreeMap<String, String>,
    /// The choice, in words, and the charts.
    pub(crate) body: Markup,
}

/// Returns everything that is chosen with these parameters, as parameters.
pub(crate) fn state_of(page: &PageSection, seen: &Seen, parameters: &Parameters) -> Result<BTreeMap<String, String>> {
    Ok(as_parameters(&Chosen::of(page, seen, parameters)?))
}

impl Still {
    /// Makes the page.
    ///
    /// # Errors
    /// Those after which it is to be read again from a newer commit.
    pub(crate) fn of(name: &str, page: &PageSection, seen: &Seen, locale: &Locale, links: &Links) -> Result<Self> {
        let (names, choices) = choices(&Chosen::of(page, seen, &Parameters::default())?);
        let view = |choice: &Vec<String>| {
            let pairs = names.iter().copied().zip(choice.iter().map(String::as_str));
            let chosen = Chosen::of(page, seen, &Parameters::parse(&query(pairs)[1..]))?;
            let around = Around { page: name, seen, chosen: &chosen, locale, links };
            let body = html! { (words(&chosen, &names, locale)) (figures(page, &around)?) };
            Ok(View { state: as_parameters(&chosen), body })
        };
        Ok(Self { head: head(page, &html! {}), views: choices.iter().map(view).collect::<Result<_>>()? })
    }
}

/// Returns the filters of few values, the first ones of the page, and each choice of them: what is chosen at first comes first.
fn choices<'p>(chosen: &[Chosen<'p>]) -> (Vec<&'p str>, Vec<Vec<String>>) {
    let (mut names, mut choices) = (Vec::new(), vec![Vec::new()]);
    for one in chosen {
        let Some((first, mut values)) = values_of(one) else { continue };
        if values.len() < 2 || values.len() * choices.len() > MOST_VIEWS {
            continue;
        }
        values.sort_by_key(|(value, _)| *value != first);
        let with = |choice: &Vec<String>| {
            let choices = values.iter().map(|(value, _)| [&choice[..], std::slice::from_ref(value)].concat());
            choices.collect::<Vec<_>>()
        };
        choices = choices.iter().flat_map(with).collect();
        names.push(one.section.name.as_str());
    }
    (names, choices)
}

/// Returns what is chosen, and each value that could be, with its words; `None` where there is no list of them.
fn values_of(one: &Chosen<'_>) -> Option<(String, Vec<(String, String)>)> {
    match &one.choice {
        Choice::Switch(at) => {
            let options = &one.section.options;
            let values = options.iter().map(|option| (option.name.clone(), words_of(&option.name, None)));
            Some((options.get(*at)?.name.clone(), values.collect()))
        }
        Choice::Value(value, Some(values)) => {
            let all = (!one.section.required).then(|| (String::new(), "All".to_owned()));
            // A page may choose a value at first that the column does not have.
            let other = value.as_ref().filter(|value| !values.contains(value));
            let values = values.iter().chain(other).map(|value| (value.clone(), value.clone()));
            Some((value.clone().unwrap_or_default(), all.into_iter().chain(values).collect()))
        }
        _ => None,
    }
}

/// Returns what is chosen. Each value of the filters with these names is a link to its view.
fn words(chosen: &[Chosen<'_>], names: &[&str], locale: &Locale) -> Markup {
    if chosen.is_empty() {
        return html! {};
    }
    let link = |name: &str, value: &str| {
        let mut parameters = as_parameters(chosen);
        parameters.insert(name.to_owned(), value.to_owned());
        query(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    };
    html! {
        div.filters role="group" aria-label="What is chosen" {
            @for one in chosen {
                @let name = one.section.name.as_str();
                @let label = one.section.label.clone().unwrap_or_else(|| words_of(name, None));
                @match (values_of(one).filter(|_| names.contains(&name)), word(one, locale)) {
                    (Some((now, values)), _) => div.filter {
                        span { (label) }
                        div.presets role="group" aria-label=(label) { @for (value, words) in &values {
                            a href=(link(name, value)) aria-current=[(*value == now).then_some("true")] { (words) }
                        } }
                    },
                    (None, Some(word)) => p.filter { span { (label) } b { (word) } },
                    (None, None) => {}
                }
            }
        }
    }
}

/// Returns the words for what is chosen; `None` if there is nothing to say.
fn word(one: &Chosen<'_>, locale: &Locale) -> Option<String> {
    Some(match &one.choice {
        Choice::Unknown(_) => "not available".to_owned(),
        Choice::Search(text) if text.is_empty() => return None,
        Choice::Search(text) => text.clone(),
        Choice::Top(rows) => rows.to_string(),
        Choice::Value(value, _) => value.clone().unwrap_or_else(|| "All".to_owned()),
        Choice::Switch(at) => words_of(&one.section.options.get(*at)?.name, None),
        Choice::Dates(Days { from: None, to: None, .. }) => "All".to_owned(),
        Choice::Dates(Days { from, to, preset, .. }) => {
            let day = |day: &Option<String>| day.as_deref().map_or_else(String::new, |day| locale.date(day));
            let range = format!("{} – {}", day(from), day(to));
            match PRESETS.iter().find(|(known, _)| preset.as_deref() == Some(known)) {
                Some((_, words)) => format!("{words}: {range}"),
                None => range,
            }
        }
    })
}
