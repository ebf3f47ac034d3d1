//! The links and ids of a finished page. All of them pass through here, also those of Markdown, so that none leads nowhere.

use smelt_common::Error;
use smelt_common::error::Result;

/// The place that a link leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// An address.
    To(String),
    /// A file to save under this name.
    File(String, String),
    /// No place: the words of the link stay without it. In a menu they leave too.
    Nowhere,
    /// No place, for the reason that is said after the words of the link.
    Because(String),
}

/// An attribute as it stands in a tag: its name and its escaped value.
type Attribute<'t> = (&'t str, Option<&'t str>);

/// The attributes whose values are ids, parted by spaces.
const IDS: [&str; 5] = ["id", "for", "aria-labelledby", "aria-describedby", "aria-controls"];

/// Returns the page with each of its links as `lead` says, and with `prefix` before each of its ids.
///
/// # Errors
/// Those of `lead`; and a tag is not as the server writes it.
pub(super) fn placed(page: &str, prefix: &str, lead: &dyn Fn(&str) -> Result<Lead>) -> Result<String> {
    let mut out = String::with_capacity(page.len());
    let mut rest = page;
    let (mut menus, mut because): (i32, Option<String>) = (0, None);
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if !rest[1..].starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            if rest.starts_with("</a>") {
                out.extend(because.take().map(|why| format!("<span>{}</span>", escaped(&why))));
            }
            menus -= i32::from(rest.starts_with("</nav>"));
            rest = cut(rest, rest.find('>').map(|end| end + 1), &mut out)?;
            continue;
        }
        let (name, attributes, end) = tag(rest)?;
        menus += i32::from(name == "nav");
        let mut led = None;
        if name == "a" {
            let href = attributes.iter().find(|(name, _)| *name == "href").and_then(|(_, value)| *value);
            led = href.map(|href| lead(&plain(href))).transpose()?;
        }
        match (name, &led) {
            ("a", Some(Lead::Nowhere)) if menus > 0 => {
                rest = after(rest, "</a>")?;
                continue;
            }
            ("a", Some(Lead::Because(why))) => because = Some(why.clone()),
            // Their content is no HTML, and the server sees to it that it does not end them early.
            ("script" | "style", _) => {
                let close = format!("</{name}>");
                rest = cut(rest, rest.find(&close).map(|end| end + close.len()), &mut out)?;
                continue;
            }
            _ => {}
        }
        out.push('<');
        out.push_str(name);
        attributes.iter().for_each(|attribute| write(*attribute, prefix, led.as_ref(), &mut out));
        // A tag of SVG that ends itself must stay so, or it would hold what follows it.
        out.push_str(if rest[..end].ends_with("/>") { "/>" } else { ">" });
        rest = &rest[end..];
    }
    out.push_str(rest);
    Ok(out)
}

fn write((name, value): Attribute<'_>, prefix: &str, led: Option<&Lead>, out: &mut String) {
    let value = match (name, value, led) {
        ("href", _, Some(Lead::To(to) | Lead::File(to, _))) => Some(escaped(to)),
        ("download", _, Some(Lead::File(_, name))) => Some(escaped(name)),
        ("href" | "download", _, Some(_)) => return,
        (name, Some(ids), _) if IDS.contains(&name) => {
            Some(ids.split(' ').map(|id| format!("{prefix}{id}")).collect::<Vec<_>>().join(" "))
        }
        (_, value, _) => value.map(ToOwned::to_owned),
    };
    out.push(' ');
    out.push_str(name);
    out.extend(value.map(|value| format!("=\"{value}\"")));
}

/// Returns the name of the tag that the text begins with, its attributes, and where it ends.
fn tag(text: &str) -> Result<(&str, Vec<Attribute<'_>>, usize)> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_:".contains(letter);
    let word = |at: usize| at + text[at..].find(|letter| !is_name(letter)).unwrap_or(text.len() - at);
    let name = &text[1..word(1)];
    let (mut attributes, mut at) = (Vec::new(), word(1));
    loop {
        at += text[at..].find(|letter: char| !letter.is_ascii_whitespace() && letter != '/').ok_or_else(strange)?;
        if text[at..].starts_with('>') {
            return Ok((name, attributes, at + 1));
        }
        let end = word(at);
        let attribute = &text[at..end];
        if attribute.is_empty() {
            return Err(strange());
        }
        at = end;
        let Some(value) = text[at..].strip_prefix("=\"") else {
            attributes.push((attribute, None));
            continue;
        };
        let length = value.find('"').ok_or_else(strange)?;
        attributes.push((attribute, Some(&value[..length])));
        at += length + 3;
    }
}

fn strange() -> Error {
    Error::internal("a tag of a page is not as the server writes it")
}

/// Moves the text up to `end`.
fn cut<'t>(text: &'t str, end: Option<usize>, out: &mut String) -> Result<&'t str> {
    let (head, rest) = text.split_at(end.ok_or_else(strange)?);
    out.push_str(head);
    Ok(rest)
}

fn after<'t>(text: &'t str, end: &str) -> Result<&'t str> {
    text.split_once(end).map(|(_, rest)| rest).ok_or_else(strange)
}

/// Returns the text of an escaped value.
fn plain(value: &str) -> String {
    let value = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#x27;", "'");
    value.replace("&amp;", "&")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(page: &str) -> String {
        let lead = |href: &str| {
            Ok(match href {
                "/a?b&c" => Lead::To("a.html?b&\"".to_owned()),
                "/f" => Lead::File("f.csv".to_owned(), "g.csv".to_owned()),
                "/large" => Lead::Because(" & why".to_owned()),
                _ => Lead::Nowhere,
            })
        };
        placed(page, "x/", &lead).expect("a page")
    }

    #[test]
    fn links_lead_where_they_are_told_to() {
        for (page, right) in [
            ("<a class=\"k\" href=\"/a?b&amp;c\">x</a>", "<a class=\"k\" href=\"a.html?b&amp;&quot;\">x</a>"),
            ("<a href=\"/f\" download>x</a>", "<a href=\"f.csv\" download=\"g.csv\">x</a>"),
            ("<a href=\"/large\" download>x</a><a>", "<a>x<span> &amp; why</span></a><a>"),
            ("<a href=\"/none\"><b>x</b></a>", "<a><b>x</b></a>"),
            ("<nav>1<a href=\"/none\"><b>x</b></a>2</nav><a href=\"/none\">x</a>", "<nav>12</nav><a>x</a>"),
        ] {
            assert_eq!(place(page), right);
        }
    }

    #[test]
    fn ids_get_the_prefix_and_nothing_else_changes() {
        for (page, right) in [
            ("<p id=\"a\" aria-labelledby=\"b c\" x>", "<p id=\"x/a\" aria-labelledby=\"x/b x/c\" x>"),
            (
                "<!DOCTYPE html><br/><i data-id=\"id\">id=\"a\" &lt;a&gt;</i>",
                "<!DOCTYPE html><br/><i data-id=\"id\">id=\"a\" &lt;a&gt;</i>",
            ),
            (
                "<script type=\"application/json\">[\"<a href=\"]</script>",
                "<script type=\"application/json\">[\"<a href=\"]</script>",
            ),
        ] {
            assert_eq!(place(page), right);
        }
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for page in ["<a href=\"x", "<a href='x'>", "<a href=x\"", "<a", "<script>", "</a"] {
            placed(page, "", &|_| Ok(Lead::Nowhere)).expect_err(page);
        }
    }
}
