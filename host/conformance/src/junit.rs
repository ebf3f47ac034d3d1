//! JUnit XML: a test case for each check.

use std::fmt::Write as _;

use super::report::{Check, Failure, Outcome, Report};
use smelt_common::text::is_unseen;

pub(super) fn write(report: &Report) -> String {
    let suite = report.plugin.as_ref().map_or(&report.component, |plugin| &plugin.name);
    let count = |outcome| report.names(outcome).len();
    let seconds: f64 = report.checks.iter().map(|check| check.seconds).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites><testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{seconds:.3}\">",
        escape(suite),
        report.checks.len(),
        count(Outcome::Failed),
        count(Outcome::CouldNotRun),
    );
    for Check { name, outcome, detail, failures, seconds, notes } in &report.checks {
        let (suite, name) = (escape(suite), escape(name));
        let _ = write!(xml, "<testcase classname=\"smelt.{suite}\" name=\"{name}\" time=\"{seconds:.3}\">");
        for Failure { sent, came_back, contract } in failures {
            let message = escape(came_back.lines().next().unwrap_or_default());
            let text = escape(&format!("sent: {sent}\ncame back: {came_back}\ncontract: {contract}"));
            let _ = write!(xml, "<failure message=\"{message}\">{text}</failure>");
        }
        if *outcome == Outcome::CouldNotRun {
            let _ = write!(xml, "<error message=\"{}\"/>", escape(&format!("could not run: {detail}")));
        }
        if !notes.is_empty() {
            let _ = write!(xml, "<system-out>{}</system-out>", escape(&notes.join("\n")));
        }
        xml.push_str("</testcase>\n");
    }
    xml.push_str("</testsuite></testsuites>\n");
    xml
}

/// Text for XML 1.0, which has no way to write most control characters.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\n' => safe.push_str("&#10;"),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            _ if is_unseen(character) => safe.push('\u{fffd}'),
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(escape("a<b>&\"c\"\n\0\u{1b}[0mé"), "a&lt;b&gt;&amp;&quot;c&quot;&#10;\u{fffd}\u{fffd}[0mé");
    }
}
