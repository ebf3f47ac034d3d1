//! Reads HTML as strictly as the server should write it.

/// An element: its name, and its attributes with their values as a browser has them.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

/// Returns the elements of a page.
///
/// # Panics
/// Panics at whatever a browser could take for something else than what was meant: a `<` that begins no tag, an attribute
/// without quotes, text in a script.
pub(crate) fn elements(html: &str) -> Vec<Element> {
    let mut elements = Vec::new();
    let (mut rest, mut is_closed) = (html, false);
    while let Some(at) = rest.find('<') {
        let around = || rest[at..].chars().take(120).collect::<String>();
        if let Some(script) = elements.last().filter(|it: &&Element| it.name == "script" || it.name == "style")
            && !is_closed
        {
            let text = &rest[..at];
            let is_data = script.attributes.iter().any(|it| *it == ("type".to_owned(), "application/json".to_owned()));
            assert!(text.is_empty() || is_data && serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
            assert!(rest[at..].starts_with("</script>"), "{}", around());
        }
        is_closed = false;
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('/') {
            let end = after.find('>').expect("the end of a tag");
            assert!(after[..end].bytes().all(|byte| byte.is_ascii_alphanumeric()), "{}", around());
            rest = &after[end + 1..];
            is_closed = true;
            continue;
        }
        if let Some(after) = rest.strip_prefix("!DOCTYPE html>") {
            rest = after;
            continue;
        }
        let name = word(&mut rest);
        assert!(name.starts_with(|letter: char| letter.is_ascii_alphabetic()), "{name}: {}", around());
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches([' ', '\n']);
            if let Some(after) = rest.strip_prefix("/>").or_else(|| rest.strip_prefix('>')) {
                rest = after;
                break;
            }
            let attribute = word(&mut rest);
            assert!(!attribute.is_empty(), "no attribute in `{name}` at {rest:.60}");
            let Some(after) = rest.strip_prefix('=') else {
                attributes.push((attribute, String::new()));
                continue;
            };
            let after = after.strip_prefix('"').expect("a value in quotes");
            let (value, after) = after.split_once('"').expect("the end of a value");
            attributes.push((attribute, plain(value)));
            rest = after;
        }
        elements.push(Element { name, attributes });
    }
    elements
}

fn word(rest: &mut &str) -> String {
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').unwrap_or(rest.len());
    let word = rest[..end].to_owned();
    *rest = &rest[end..];
    word
}

/// Returns the text that escapes stand for.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = text.to_owned();
    for (escape, letter) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
        plain = plain.replace(escape, letter);
    }
    plain
}

/// The elements that pages are made of.
const ELEMENTS: &str = " a b blockquote body br button circle code dd del details desc div dl dt em fieldset figcaption figure footer \
    form g h1 h2 h3 head header hr html i input label legend li line link main marker meta nav noscript ol option output p path pattern \
    polygon polyline pre rect script section select small span strong sub summary sup svg caption table tbody td text th thead time title \
    tr tspan ul use defs clippath clipPath ";

/// The attributes that lead somewhere.
const ADDRESSES: [&str; 6] = ["href", "src", "action", "formaction", "poster", "data"];

/// Checks that a page has only elements and attributes that the server writes, and leads nowhere but to the web and to itself.
///
/// # Panics
/// Panics if it does not.
pub(crate) fn check(target: &str, html: &str) {
    for Element { name, attributes } in elements(html) {
        assert!(ELEMENTS.contains(&format!(" {name} ")), "{target}: an element `{name}`");
        for (attribute, value) in &attributes {
            let lower = attribute.to_ascii_lowercase();
            let is_code =
                lower.starts_with("on") || ["style", "srcdoc", "formaction", "http-equiv"].contains(&lower.as_str());
            assert!(!is_code, "{target}: {name} {attribute}={value:?}");
            if ADDRESSES.contains(&lower.as_str()) {
                // As browsers read it: blanks in front and line ends within do not count.
                let kept = value.trim_start_matches(|letter: char| letter <= ' ').chars();
                let address: String = kept.filter(|letter| !['\t', '\n', '\r'].contains(letter)).collect();
                let before_path = address.split(['/', '?', '#', '\\']).next().unwrap_or_default();
                let scheme = before_path.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
                let is_safe = scheme.is_none_or(|scheme| ["http", "https", "mailto"].contains(&scheme.as_str()));
                assert!(is_safe, "{target}: {name} {attribute}={value:?}");
            }
        }
        if name == "script" {
            let of: Vec<_> = attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let is_ours = of == ["type=module", "src=/assets/page.js"] || of == ["type=application/json"];
            assert!(is_ours, "{target}: {of:?}");
        }
    }
}

#[test]
fn what_browsers_would_run_is_refused() {
    for html in [
        "<p>a < b</p>",
        "<p><script>x</script></p>",
        "<script type=\"application/json\">x</script>",
        "<script type=\"application/json\">\"</p>\"</script>",
        "<p onclick=\"x\">",
        "<a href=\"javascript:x\">",
        "<a href=\" java\nscript:x\">",
        "<img src=\"/x\">",
        "<p title=x>",
        "<p style=\"x\">",
    ] {
        assert!(std::panic::catch_unwind(|| check("", html)).is_err(), "{html}");
    }
    check(
        "",
        "<!DOCTYPE html><p title=\"&quot;&lt;\">a &lt; b<br-less></br-less></p>"
            .replace("<br-less></br-less>", "")
            .as_str(),
    );
}
