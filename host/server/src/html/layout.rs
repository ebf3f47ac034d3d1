//! The frame around all pages.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::charts::Locale;
use crate::lake::Snapshot;
use crate::links::Links;
use crate::pages::Page;
use crate::shell::encoded;

/// The part of the server that a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'p> {
    /// The graph of the pipeline.
    Pipeline,
    /// A page of the pipeline, by name.
    Page(&'p str),
    /// The tables.
    Tables,
    /// Datasets, rules and checks.
    Quality,
    /// Commits.
    Runs,
    /// Components.
    Plugins,
}

impl Place<'_> {
    /// Returns the words for it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Pipeline => "Pipeline",
            Self::Page(_) => "Page",
            Self::Tables => "Tables",
            Self::Quality => "Quality",
            Self::Runs => "Runs",
            Self::Plugins => "Plugins",
        }
    }
}

/// What the frame shows besides the page.
pub(crate) struct Around<'a> {
    pub(crate) pipeline: &'a str,
    pub(crate) links: &'a Links,
    pub(crate) locale: &'a Locale,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) pages: &'a [Page],
    /// The last error of a look at the lake.
    pub(crate) trouble: Option<String>,
    /// Set if the reader can log out.
    pub(crate) is_logged_in: bool,
    /// The style sheet, the icon and the script.
    pub(crate) assets: Markup,
}

/// Returns the elements for the style sheet, the icon and the script of a server.
pub(crate) fn assets(links: &Links) -> Markup {
    html! {
        link rel="stylesheet" href=(links.to("/assets/page.css"));
        link rel="icon" href=(links.to("/assets/icon.svg")) type="image/svg+xml";
        script type="module" src=(links.to("/assets/page.js")) {}
    }
}

/// Stands for the content of a page while it is being made. No text has it, as texts are escaped.
const CONTENT: &str = "<>";

/// Returns what comes before the content of a page, and what comes after it. `place` is marked in the menu.
pub(crate) fn halves(around: &Around<'_>, place: Option<Place<'_>>, title: &str) -> (String, String) {
    let whole = layout(around, place, title, &PreEscaped(CONTENT.to_owned())).into_string();
    whole.split_once(CONTENT).map(|(before, after)| (before.to_owned(), after.to_owned())).unwrap_or_default()
}

/// Returns the whole page.
fn layout(around: &Around<'_>, place: Option<Place<'_>>, title: &str, body: &Markup) -> Markup {
    let Around { pipeline, links, locale, snapshot, pages, trouble, is_logged_in, assets } = around;
    let item = |href: String, text: &str, is_here: bool| {
        html! { li { a href=(href) aria-current=[is_here.then_some("page")] { (text) } } }
    };
    html! {
        (DOCTYPE)
        html lang=(locale.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (pipeline) }
                (assets)
            }
            body data-events=[(!links.is_static()).then(|| links.to("/events"))] {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href=(links.to("/")) { (mark()) span { (pipeline) } }
                    nav aria-label="Pages" { ul {
                        @for page in *pages {
                            (item(links.to(&format!("/pages/{}", encoded(&page.name))), page.title(), place == Some(Place::Page(&page.name))))
                        }
                    } }
                    nav.lake aria-label="Lake" { ul {
                        (item(links.to("/"), "Pipeline", place == Some(Place::Pipeline)))
                        (item(links.to("/tables"), "Tables", place == Some(Place::Tables)))
                        (item(links.to("/quality"), "Quality", place == Some(Place::Quality)))
                        (item(links.to("/runs"), "Runs", place == Some(Place::Runs)))
                        (item(links.to("/plugins"), "Plugins", place == Some(Place::Plugins)))
                    } }
                }
                main id="main" { (body) }
                footer.page data-commit=(snapshot.commit()) {
                    p {
                        @if snapshot.commit() == 0 { "The lake has no commit yet." } @else {
                            "As of commit " a href=(links.to(&format!("/runs/{}", snapshot.commit()))) { (snapshot.commit()) } ", "
                            (super::time(&snapshot.at, locale)) " UTC"
                        }
                        span.live hidden { " · live" }
                    }
                    @if let Some(trouble) = trouble { p.state.failed role="status" { strong { "The lake cannot be reached" } " " (trouble) } }
                    @if *is_logged_in { form method="post" action=(links.to("/logout")) { button { "Log out" } } }
                }
            }
        }
    }
}

/// Draws the sign of smelt: a drop of metal in three layers.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" {
            path.gold d="M12 2c3.6 4.4 5.4 7.3 5.4 9.4H6.6C6.6 9.3 8.4 6.4 12 2z" {}
            path.silver d="M6.2 12.9h11.6c.2 1.3.1 2.5-.3 3.6H6.5c-.4-1.1-.5-2.3-.3-3.6z" {}
            path.bronze d="M7.3 18h9.4c-1.1 2-2.9 3.2-4.7 3.2S8.4 20 7.3 18z" {}
        }
    }
}
