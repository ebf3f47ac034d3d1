//! The report as JUnit XML, with a test case for each test.

use std::fmt::Write as _;

use super::record::{Failure, Outcome, Report, Test};
use smelt_common::text::is_unseen;

impl Report {
    /// Returns the report as JUnit XML, which CI systems read.
    pub fn junit(&self) -> String {
        let suite = self.plugin.as_ref().map_or(&self.component, |plugin| &plugin.name);
        let count = |outcome| self.names(outcome).len();
        let seconds: f64 = self.tests.iter().map(|test| test.seconds).sum();
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(
            xml,
            "<testsuites><testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{seconds:.3}\">",
            escape(suite),
            self.tests.len(),
            count(Outcome::Failed),
            count(Outcome::CouldNotRun),
        );
        for Test { name, outcome, detail, failures, seconds, notes } in &self.tests {
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
}

/// Escapes text for XML 1.0. Most control characters cannot be written in XML, so they become U+FFFD.
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
