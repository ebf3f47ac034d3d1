//! The bronze objects of a dataset.

use maud::{Markup, html};
use smelt_common::error::Result;

use super::app::Sight;
use crate::address::Parameters;
use crate::html::{bytes, digest, whole};
use crate::lake::objects_of;

/// The objects of a page.
const OBJECTS: usize = 200;
/// The most pages of objects.
const PAGES: usize = 100_000;

/// Returns the bronze objects of a dataset as a table; nothing for other relations.
pub(super) fn objects(sight: &Sight<'_>, name: &str, parameters: &Parameters) -> Result<Markup> {
    let locale = &sight.asked.locale;
    let Some(dataset) = sight.seen.snapshot().state.datasets.get(name) else {
        return Ok(html! { p.state { "Only a dataset has objects." } });
    };
    let page = parameters.get("page").and_then(|text| text.parse::<usize>().ok()).unwrap_or(1).clamp(1, PAGES);
    let (total, objects) = objects_of(sight.seen.store(), dataset, (page - 1) * OBJECTS, OBJECTS)?;
    let rules = |rules: &std::collections::BTreeMap<String, u64>| {
        rules.iter().map(|(rule, rows)| format!("{} {rule}", whole(*rows, locale))).collect::<Vec<_>>().join(", ")
    };
    let address = format!("{}/objects", sight.app.links.table(name));
    Ok(html! {
        section.card {
            p.count { (whole(total as u64, locale)) " objects" }
            div.scroll tabindex="0" role="region" aria-label={ "Objects of " (name) } { table.data {
                thead { tr { th scope="col" { "Bronze object" } th scope="col" { "Digest" } th.num scope="col" { "Size" } th.num scope="col" { "Read" } th.num scope="col" { "Kept" } th.num scope="col" { "Superseded" } th scope="col" { "Rejected" } th scope="col" { "Repaired" } } }
                tbody { @for object in &objects { tr {
                    th scope="row" { code { (object.object) } }
                    td { (digest(&object.sha256)) } td.num { (bytes(object.bytes, locale)) }
                    td.num { (whole(object.read, locale)) } td.num { (whole(object.kept, locale)) } td.num { (whole(object.superseded, locale)) }
                    td.wrap { (rules(&object.rejected)) } td.wrap { (rules(&object.repaired)) }
                } } }
            } }
            nav.pager aria-label="Pages of objects" {
                @if page > 1 { a href={ (address) "?page=" (page - 1) } { "← Previous" } }
                @if page * OBJECTS < total { a href={ (address) "?page=" (page + 1) } { "Next →" } }
            }
        }
    })
}
