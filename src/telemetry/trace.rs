//! Traces of others: the id that a request carries in `traceparent` (W3C Trace Context), so that log lines can be found by it.

use axum::http::HeaderMap;

/// The id of the trace that a request belongs to, in 32 hexadecimal digits; `None` where it carries none that is valid.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Later versions may have more parts behind these.
    let is_known = version != "ff" && (version != "00" || parts.next().is_none());
    let are_digits = [(version, 2), (trace, 32), (parent, 16), (flags, 2)]
        .iter()
        .all(|(part, length)| part.len() == *length && part.bytes().all(is_digit));
    let is_zero = |part: &str| part.bytes().all(|digit| digit == b'0');
    (is_known && are_digits && !is_zero(trace) && !is_zero(parent)).then_some(trace)
}

/// Upper case is not allowed.
fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn trace(text: &'static str) -> Option<String> {
        let headers = [("traceparent".parse().unwrap(), HeaderValue::from_static(text))];
        trace_of(&headers.into_iter().collect()).map(str::to_owned)
    }

    #[test]
    fn the_id_of_a_valid_header_is_taken() {
        let id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
        assert_eq!(
            trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            id
        );
        assert_eq!(
            trace("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"),
            id
        );
    }

    #[test]
    fn anything_else_is_no_trace() {
        for text in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(trace(text), None, "{text}");
        }
    }
}
