//! How deep the brackets of a document are nested, found without parsing it.

/// The deepest nesting of brackets outside of strings and comments.
pub(super) fn depth(document: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = document.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match first {
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
                tail
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                tail
            }
            b'#' => skip_comment(tail),
            b'"' => match tail {
                [b'"', b'"', block @ ..] => skip_block(block),
                text => skip_text(text),
            },
            _ => tail,
        };
    }
    deepest
}

fn skip_comment(rest: &[u8]) -> &[u8] {
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .unwrap_or(rest.len());
    &rest[end..]
}

/// Skips up to and including the closing quotation mark. A line's end closes it too: such a document does not parse.
fn skip_text(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = match rest {
            [] => return rest,
            [b'"' | b'\n' | b'\r', tail @ ..] => return tail,
            [b'\\', _, tail @ ..] | [_, tail @ ..] => tail,
        };
    }
}

fn skip_block(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = match rest {
            [] => return rest,
            [b'"', b'"', b'"', tail @ ..] => return tail,
            [b'\\', b'"', b'"', b'"', tail @ ..] | [_, tail @ ..] => tail,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn brackets_are_counted_outside_of_strings_and_comments() {
        assert_eq!(depth("{ me { id } }"), 2);
        assert_eq!(depth("{ a(x: [[1]]) }"), 4);
        assert_eq!(depth("{ a # {{{{\n }"), 1);
        assert_eq!(depth(r#"{ a(x: "{{{\"{{") { b } }"#), 2);
        assert_eq!(depth(r#"{ a(x: """ {{{ \""" {{ """) { b } }"#), 2);
        assert_eq!(depth(r#"{ a(x: "") { b { c } } }"#), 3);
        assert_eq!(depth("}}}}{"), 1);
        assert_eq!(depth(&"[".repeat(100_000)), 100_000);
    }

    /// What this bounds is what the parser sees: a string that a line's end breaks is no way around it.
    #[test]
    fn a_broken_string_hides_nothing() {
        assert_eq!(depth("\"\n{{{"), 3);
        assert_eq!(depth("\"\\"), 0);
    }
}
