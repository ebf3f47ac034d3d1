//! Markdown as HTML.

use maud::{Markup, PreEscaped};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// Returns the text as HTML. HTML in it stays text, and only links to the web or to other pages are links.
pub(crate) fn markdown(text: &str) -> Markup {
    let is_link = |address: &str| {
        let before_path = address.split(['/', '?', '#']).next().unwrap_or_default();
        let scheme = before_path.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        scheme.is_none_or(|scheme| ["http", "https", "mailto"].contains(&scheme.as_str()))
    };
    // Links that lead nowhere and pictures, which a page has none of, become their words.
    let mut open = Vec::new();
    let events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).filter_map(|event| {
        Some(match event {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => return None,
            Event::Start(Tag::Link { ref dest_url, .. }) => {
                open.push(is_link(dest_url));
                return open.last().copied().unwrap_or_default().then_some(event);
            }
            Event::End(TagEnd::Link) => return open.pop().unwrap_or_default().then_some(event),
            event => event,
        })
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    PreEscaped(out)
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn words_become_html_and_html_stays_words() {
        assert_eq!(markdown("*a* [b](/pages/b)").0, "<p><em>a</em> <a href=\"/pages/b\">b</a></p>\n");
        assert_eq!(markdown("[b](mailto:a@b.c)").0, "<p><a href=\"mailto:a@b.c\">b</a></p>\n");
        for text in
            ["<script>alert(1)</script>", "a <b onclick=x>", "[x](javascript:alert(1))", "![x](http://a/b)", "<a:b>"]
        {
            let html = markdown(text).0;
            assert!(!html.contains("<script") && !html.contains("<b ") && !html.contains("<img"), "{html}");
            assert!(!html.contains("href=\"javascript"), "{html}");
        }
    }
}
