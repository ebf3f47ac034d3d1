//! A page as HTML.

use maud::{Markup, html};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_formats::{Formulas, encode_table};

use super::data::Data;
use super::draw::{Around, columns_of};
use super::section::{ChartKind, PageSection};
use super::view::{Choice, Chosen, Days, PRESETS, as_parameters};
use crate::address::{Parameters, query};
use crate::charts::Locale;
use crate::lake::Seen;
use crate::links::Links;
use crate::markdown::markdown;

/// Returns the title, the filters and the charts of a page.
///
/// # Errors
/// Those after which it is to be read again from a newer commit.
pub(crate) fn render(
    name: &str,
    page: &PageSection,
    seen: &Seen,
    parameters: &Parameters,
    locale: &Locale,
    links: &Links,
) -> Result<Markup> {
    let chosen = Chosen::of(page, seen, parameters)?;
    let around = Around { page: name, seen, chosen: &chosen, locale, links };
    Ok(html! { (head(page, &filters(&chosen, locale))) (figures(page, &around)?) })
}

/// Returns the title and the text of a page, and below them what it lets readers choose.
pub(super) fn head(page: &PageSection, filters: &Markup) -> Markup {
    html! {
        div.page-head {
            h1 { (page.title) }
            @if let Some(text) = &page.text { div.lead { (markdown(text)) } }
            (filters)
        }
    }
}

/// Returns the charts of a page.
pub(super) fn figures(page: &PageSection, around: &Around<'_>) -> Result<Markup> {
    let mut charts = Vec::with_capacity(page.chart.len());
    for (at, chart) in page.chart.iter().enumerate() {
        charts.push(around.draw(at, chart)?);
    }
    Ok(html! { div.figures { @for chart in &charts { (chart) } } })
}

/// Returns the form of all filters. It works without script, and a script sends it when something in it changes.
fn filters(chosen: &[Chosen<'_>], locale: &Locale) -> Markup {
    if chosen.is_empty() {
        return html! {};
    }
    html! {
        form.filters method="get" aria-label="Filters" {
            @for one in chosen { (filter(one, chosen, locale)) }
            noscript { button { "Apply" } }
        }
    }
}

fn filter(one: &Chosen<'_>, all: &[Chosen<'_>], locale: &Locale) -> Markup {
    let Chosen { section, choice } = one;
    let name = section.name.as_str();
    let words = super::numbers::words_of(name, None);
    let label = section.label.as_deref().unwrap_or(&words);
    match choice {
        Choice::Unknown(why) => html! { p.filter.unknown title=(why) { (label) ": not available" } },
        Choice::Search(text) => html! {
            label.filter { span { (label) } input type="search" name=(name) value=(text) placeholder="Search"; }
        },
        Choice::Top(rows) => html! {
            label.filter { span { (label) } input type="number" name=(name) value=(rows) min="1" max="1000" inputmode="numeric"; }
        },
        Choice::Switch(at) => html! {
            fieldset.filter.switch { legend { (label) }
                @for (number, option) in section.options.iter().enumerate() {
                    label { input type="radio" name=(name) value=(option.name) checked[number == *at];
                        span { (super::numbers::words_of(&option.name, None)) } }
                }
            }
        },
        Choice::Value(value, Some(values)) => html! {
            label.filter { span { (label) }
                select name=(name) {
                    @if !section.required { option value="" { "All" } }
                    @for known in values { option value=(known) selected[value.as_ref() == Some(known)] { (known) } }
                    @if let Some(other) = value.as_ref().filter(|value| !values.contains(value)) {
                        option value=(other) selected { (other) }
                    }
                }
            }
        },
        Choice::Value(value, None) => html! {
            label.filter { span { (label) }
                input type="text" name=(name) value=(value.as_deref().unwrap_or_default()) placeholder="All"; }
        },
        Choice::Dates(days) => dates(name, label, days, all, locale),
    }
}

fn dates(name: &str, label: &str, days: &Days, all: &[Chosen<'_>], locale: &Locale) -> Markup {
    let Days { from, to, preset, ends } = days;
    let (first, last) = ends.clone().unwrap_or_default();
    let preset_link = |value: &str| {
        let mut parameters = as_parameters(all);
        parameters.remove(&format!("{name}_from"));
        parameters.remove(&format!("{name}_to"));
        parameters.insert(name.to_owned(), value.to_owned());
        query(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    };
    let given = preset.as_ref().filter(|preset| PRESETS.iter().all(|(known, _)| known != preset));
    html! {
        fieldset.filter.dates { legend { (label) }
            div.presets role="group" aria-label={ (label) ", presets" } {
                @for (value, words) in PRESETS {
                    a href=(preset_link(value)) aria-current=[(preset.as_deref() == Some(value)).then_some("true")] { (words) }
                }
                @if let Some(given) = given { a href=(preset_link(given)) aria-current="true" { (given) } }
            }
            div.ends {
                input type="date" name={ (name) "_from" } aria-label={ (label) ", from" } min=(first) max=(last)
                    value=(from.as_deref().unwrap_or(&first)) title=(locale.date(from.as_deref().unwrap_or(&first)));
                span aria-hidden="true" { "–" }
                input type="date" name={ (name) "_to" } aria-label={ (label) ", to" } min=(first) max=(last)
                    value=(to.as_deref().unwrap_or(&last)) title=(locale.date(to.as_deref().unwrap_or(&last)));
            }
        }
    }
}

/// Returns the rows of a chart of the page as CSV: all that meet what is chosen.
///
/// # Errors
/// The page has no such chart, or it shows no rows.
pub(crate) fn csv(page: &PageSection, number: usize, seen: &Seen, parameters: &Parameters) -> Result<Vec<u8>> {
    let chart = number.checked_sub(1).and_then(|at| page.chart.get(at)).filter(|chart| chart.kind != ChartKind::Text);
    let chart = chart.ok_or_else(|| Error::config(format!("the page has no chart {number} with rows")))?;
    let chosen = Chosen::of(page, seen, parameters)?;
    let data = Data::of(chart, seen, &chosen)?;
    let columns = columns_of(chart, &data)?;
    let found = crate::query::find(&data.frame, &data.query, data.meant)?;
    let rows = data.frame.fetch(&found.rows, &columns)?;
    encode_table(&rows.schema(), &[rows], Formulas::Escape)
        .map_err(|error| Error::new(Kind::Internal, error.to_string()))
}
