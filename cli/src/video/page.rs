//! `GET /`: the page, as it is in the files beside. What it shows of streams it asks for itself.

use axum::{
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, IntoResponseParts},
};

const HTML: &str = include_str!("page/page.html");
const CSS: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

pub(crate) async fn html() -> impl IntoResponse {
    (is("text/html; charset=utf-8"), HTML)
}

pub(crate) async fn css() -> impl IntoResponse {
    (is("text/css; charset=utf-8"), CSS)
}

pub(crate) async fn script() -> impl IntoResponse {
    (is("text/javascript; charset=utf-8"), SCRIPT)
}

fn is(media: &'static str) -> impl IntoResponseParts {
    [(CONTENT_TYPE, HeaderValue::from_static(media))]
}
