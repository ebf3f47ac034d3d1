//! Style sheets, scripts and the icon. They lie in the binary.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::charts;
use crate::shell::Refusal;

/// The style sheet of all pages.
pub(crate) fn style() -> String {
    format!("{}\n{}", charts::STYLE, include_str!("../../assets/page.css"))
}

const PAGE: &str = include_str!("../../assets/page.js");
pub(crate) const ICON: &str = include_str!("../../assets/icon.svg");

pub(super) async fn show(Path(file): Path<String>) -> Result<Response, Refusal> {
    let (content_type, body) = match file.as_str() {
        "page.css" => ("text/css; charset=utf-8", style()),
        "page.js" => ("text/javascript; charset=utf-8", PAGE.to_owned()),
        "charts.js" => ("text/javascript; charset=utf-8", charts::SCRIPT.to_owned()),
        "icon.svg" => ("image/svg+xml", ICON.to_owned()),
        _ => return Err(Refusal::not_found("there is no such file")),
    };
    Ok(([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "private, max-age=60")], body).into_response())
}

pub(super) async fn icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], ICON).into_response()
}
