//! Paths of requests: which endpoint one is of, and which product.

/// Returns the path before its query and fragment.
pub(crate) fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// Returns the path with `{id}` for each segment that is an id, or `/` if it is empty.
pub(crate) fn endpoint(path: &str) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    let mut endpoint = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            endpoint.push('/');
        }
        endpoint.push_str(if is_id(segment) { "{id}" } else { segment });
    }
    endpoint
}

/// Returns the id of the product, the last one that follows a segment `products`.
pub(crate) fn product(path: &str) -> Option<&str> {
    let segments = path.split('/').zip(path.split('/').skip(1));
    let ids = segments.filter(|&(before, id)| before == "products" && is_lettered(id));
    ids.last().map(|(_, id)| id)
}

/// Returns whether a segment is `[A-Z]?[0-9]+`.
fn is_id(segment: &str) -> bool {
    is_number(segment) || is_lettered(segment)
}

/// Returns whether a segment is `[A-Z][0-9]+`.
fn is_lettered(segment: &str) -> bool {
    segment.strip_prefix(|first: char| first.is_ascii_uppercase()).is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
