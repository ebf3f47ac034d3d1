//! Addresses: query parameters, and links with them.

use std::collections::BTreeMap;

use crate::shell::encoded;

/// The most parameters of an address that count.
const MOST: usize = 2000;

/// The query parameters of an address. Several may have one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters(BTreeMap<String, Vec<String>>);

impl Parameters {
    /// Parses the query of an address, without its `?`.
    pub(crate) fn parse(query: &str) -> Self {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()).take(MOST) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            found.entry(decoded(name)).or_default().push(decoded(value));
        }
        Self(found)
    }

    /// Returns the value of a parameter; of several with that name, the first.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns the values of all parameters of that name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(String::as_str)
    }
}

/// Returns the text that percent signs and plus signs stand for. What is no UTF-8 becomes a sign for that.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        match (bytes[at], bytes.get(at + 1..at + 3).and_then(hex)) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                at += 2;
            }
            (b'+', _) => plain.push(b' '),
            (byte, _) => plain.push(byte),
        }
        at += 1;
    }
    String::from_utf8(plain).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Returns the query of an address, with its `?`. It is `?` alone if there are no parameters, so that a link with it leaves out
/// those of the page.
pub(crate) fn query<'p>(parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let pairs: Vec<_> =
        parameters.into_iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    format!("?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parameters_come_back(
            pairs in proptest::collection::btree_map(".{1,8}", proptest::collection::vec(".{0,12}", 1..3), 0..6),
        ) {
            let each = pairs.iter().flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value.as_str())));
            let text = query(each);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>".contains(&byte)));
            prop_assert_eq!(Parameters::parse(&text[1..]).0, pairs);
        }

        #[test]
        fn no_query_is_refused(text in "[%+&=a-f0-9é]{0,40}") {
            Parameters::parse(&text);
        }
    }
}
