//! What kind of answer a client wants.

use axum::http::{HeaderMap, header};

/// Kinds of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `application/graphql-response+json`: the status says whether the request was executed.
    GraphqlResponse,
    /// `application/json`: every well-formed request is answered with 200. Also for clients that take anything.
    Json,
    /// A page for people.
    Page,
}

impl Wanted {
    /// The first of the best that the client accepts; `None` when it accepts nothing that there is.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let accepted = values.collect::<Vec<_>>().join(",");
        if accepted.trim().is_empty() {
            return Some(Self::Json);
        }
        let mut best: Option<(Self, f32)> = None;
        for (wanted, quality) in accepted.split(',').filter_map(range) {
            if quality > best.map_or(0.0, |(_, quality)| quality) {
                best = Some((wanted, quality));
            }
        }
        best.map(|(wanted, _)| wanted)
    }
}

fn range(text: &str) -> Option<(Wanted, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let wanted = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/graphql-response+json" => Wanted::GraphqlResponse,
        "application/json" | "application/*" | "*/*" => Wanted::Json,
        "text/html" | "application/xhtml+xml" => Wanted::Page,
        _ => return None,
    };
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some((wanted, quality.map_or(Ok(1.0), str::parse).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn wanted(accept: &'static str) -> Option<Wanted> {
        let headers = [(header::ACCEPT, HeaderValue::from_static(accept))]
            .into_iter()
            .collect();
        Wanted::of(&headers)
    }

    #[test]
    fn the_best_of_what_is_accepted_is_taken() {
        assert_eq!(Wanted::of(&HeaderMap::new()), Some(Wanted::Json));
        assert_eq!(wanted("*/*"), Some(Wanted::Json));
        assert_eq!(wanted("application/json; charset=utf-8"), Some(Wanted::Json));
        assert_eq!(
            wanted("application/graphql-response+json, application/json;q=0.9"),
            Some(Wanted::GraphqlResponse)
        );
        assert_eq!(
            wanted("application/graphql-response+json;q=0.5, application/json"),
            Some(Wanted::Json)
        );
        assert_eq!(
            wanted("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            Some(Wanted::Page)
        );
        assert_eq!(wanted("text/plain"), None);
        assert_eq!(wanted("application/json;q=0"), None);
    }
}
