//! XML as XMPP uses it: small elements, written whole and read one by one from a stream that never ends.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use bytes::{Buf as _, BytesMut};
use quick_xml::errors::IllFormedError;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};

/// No stanza of a sane server is larger.
const STANZA_BYTES_MAX: usize = 4 << 20;

/// An element with its namespace resolved. Text between children is gathered; no stanza mixes the two with meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn new(name: &str, namespace: &str) -> Self {
        Self {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn with(mut self, attribute: &str, value: &str) -> Self {
        self.attributes.push((attribute.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn is(&self, name: &str, namespace: &str) -> bool {
        self.name == name && self.namespace == namespace
    }

    /// The first child of that name.
    pub(crate) fn get(&self, name: &str, namespace: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(name, namespace))
    }

    /// The element as text, inside one whose namespace is `outer`.
    pub(crate) fn write(&self, outer: &str, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = write!(out, "<{}", self.name);
        if self.namespace != outer {
            let _ = write!(out, " xmlns='{}'", escape(&self.namespace));
        }
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}='{}'", escape(value));
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        out.push_str(&escape(&self.text));
        for child in &self.children {
            child.write(&self.namespace, out);
        }
        let _ = write!(out, "</{}>", self.name);
    }
}

/// What comes next in a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The start tag that stands open as long as the stream.
    Opened,
    Element(Element),
    Closed,
}

/// Cuts a stream into its pieces as bytes arrive.
#[derive(Default)]
pub(crate) struct Pieces {
    buffer: BytesMut,
    /// Namespaces that the start tag of the stream declares, by prefix; none before it has come.
    declared: Option<Vec<(String, String)>>,
}

impl Pieces {
    /// Where arriving bytes go.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next piece, if all of it has arrived.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>> {
        let blank = self.buffer.iter().take_while(|byte| byte.is_ascii_whitespace());
        let blank = blank.count();
        self.buffer.advance(blank);
        // A character may have arrived in part.
        let text = match str::from_utf8(&self.buffer) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => {
                str::from_utf8(&self.buffer[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => bail!("the stream is not UTF-8"),
        };
        if text.starts_with("</") {
            return Ok(Some(Piece::Closed));
        }
        let mut reader = Reader::from_str(text);
        let found = match &self.declared {
            None => open(&mut reader)?.map(|declared| {
                self.declared = Some(declared);
                Piece::Opened
            }),
            Some(declared) => element(&mut reader, declared)?.map(Piece::Element),
        };
        match found {
            Some(piece) => {
                let taken = usize::try_from(reader.buffer_position())?;
                self.buffer.advance(taken);
                Ok(Some(piece))
            }
            None if self.buffer.len() > STANZA_BYTES_MAX => bail!("a stanza is too large"),
            None => Ok(None),
        }
    }
}

/// The next event; none when it has not arrived in full.
fn event<'a>(reader: &mut Reader<&'a [u8]>) -> Result<Option<Event<'a>>> {
    match reader.read_event() {
        Ok(Event::Eof) | Err(Error::Syntax(_) | Error::IllFormed(IllFormedError::UnclosedReference)) => {
            Ok(None)
        }
        Ok(event) => Ok(Some(event)),
        Err(error) => Err(error).context("the stream is no XML"),
    }
}

/// Reads up to the stream's start tag and returns the namespaces that it declares.
fn open(reader: &mut Reader<&[u8]>) -> Result<Option<Vec<(String, String)>>> {
    loop {
        match event(reader)? {
            None => return Ok(None),
            Some(Event::Start(tag)) if tag.local_name().as_ref() == "stream" => {
                return Ok(Some(declarations(&tag)?));
            }
            Some(Event::Decl(_) | Event::Text(_)) => {}
            Some(other) => bail!("a stream cannot begin with {other:?}"),
        }
    }
}

/// Reads one element.
fn element(reader: &mut Reader<&[u8]>, declared: &[(String, String)]) -> Result<Option<Element>> {
    let mut scope = declared.to_vec();
    // Elements that stand open, each with the number of declarations outside it.
    let mut open: Vec<(Element, usize)> = Vec::new();
    loop {
        let Some(event) = event(reader)? else {
            return Ok(None);
        };
        let closed = match event {
            Event::Start(tag) => {
                let outside = scope.len();
                open.push((start(&tag, &mut scope)?, outside));
                None
            }
            Event::Empty(tag) => {
                let outside = scope.len();
                let element = start(&tag, &mut scope)?;
                scope.truncate(outside);
                Some(element)
            }
            Event::End(_) => {
                let (element, outside) = open.pop().context("an end without a start")?;
                scope.truncate(outside);
                Some(element)
            }
            Event::Text(text) => {
                append(&mut open, &text.xml10_content());
                None
            }
            Event::CData(text) => {
                append(&mut open, &text.xml10_content());
                None
            }
            Event::GeneralRef(name) => {
                append(&mut open, &unescape(&format!("&{};", &*name))?);
                None
            }
            // Nothing else is allowed in a stream, and nothing else means anything.
            _ => None,
        };
        match (closed, open.last_mut()) {
            (Some(element), Some((parent, _))) => parent.children.push(element),
            (Some(element), None) => return Ok(Some(element)),
            (None, _) => {}
        }
    }
}

fn append(open: &mut [(Element, usize)], text: &str) {
    if let Some((element, _)) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// The start of an element; its declarations come into scope.
fn start(tag: &BytesStart<'_>, scope: &mut Vec<(String, String)>) -> Result<Element> {
    scope.extend(declarations(tag)?);
    let full = tag.name();
    let (prefix, name) = full.as_ref().split_once(':').unwrap_or(("", full.as_ref()));
    let namespace = scope.iter().rev().find(|(declared, _)| declared == prefix);
    let mut element = Element::new(name, namespace.map_or("", |(_, namespace)| namespace.as_str()));
    for attribute in tag.attributes() {
        let attribute = attribute?;
        let key = attribute.key.as_ref();
        if key != "xmlns" && !key.starts_with("xmlns:") {
            element = element.with(key, &unescape(&attribute.value)?);
        }
    }
    Ok(element)
}

/// Namespaces that a tag declares, by prefix.
fn declarations(tag: &BytesStart<'_>) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute?;
        let key = attribute.key.as_ref();
        let prefix = match key.strip_prefix("xmlns:") {
            Some(prefix) => prefix,
            None if key == "xmlns" => "",
            None => continue,
        };
        found.push((prefix.to_owned(), unescape(&attribute.value)?.into_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENING: &str = "<?xml version='1.0'?><stream:stream id='7' xmlns='jabber:client' \
                           xmlns:stream='http://etherx.jabber.org/streams'>";

    /// All pieces of a stream that arrives in chunks of `size` bytes.
    fn pieces(text: &str, size: usize) -> Result<Vec<Piece>> {
        let mut pieces = Pieces::default();
        let mut found = Vec::new();
        for chunk in text.as_bytes().chunks(size) {
            pieces.buffer().extend_from_slice(chunk);
            while let Some(piece) = pieces.next()? {
                let last = piece == Piece::Closed;
                found.push(piece);
                if last {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    #[test]
    fn a_stream_is_cut_the_same_however_it_arrives() {
        let text = format!(
            "{OPENING}<stream:features><bind xmlns='urn:b'/></stream:features>\n \
             <message from='a@b/c'><body>1 &lt; 2 &amp; &#x1F600; ünï <![CDATA[<x>]]></body></message></stream:stream>"
        );
        let whole = pieces(&text, text.len()).unwrap();
        let [
            Piece::Opened,
            Piece::Element(features),
            Piece::Element(message),
            Piece::Closed,
        ] = &whole[..]
        else {
            panic!("{whole:?}");
        };
        assert!(features.is("features", "http://etherx.jabber.org/streams"));
        assert!(features.get("bind", "urn:b").is_some());
        assert_eq!(message.attribute("from"), Some("a@b/c"));
        let body = message.get("body", "jabber:client").unwrap();
        assert_eq!(body.text, "1 < 2 & \u{1F600} ünï <x>");
        for size in 1..20 {
            assert_eq!(pieces(&text, size).unwrap(), whole);
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let element = Element::new("message", "jabber:client")
            .with("to", "o'neill&co@b/\"c\"")
            .child(Element::new("body", "jabber:client").text("<b>&amp;</b> 'ü' \"\u{1F600}\"\nnext"))
            .child(Element::new("origin-id", "urn:xmpp:sid:0").with("id", "1"));
        let mut text = OPENING.to_owned();
        element.write("jabber:client", &mut text);
        assert_eq!(
            pieces(&text, 7).unwrap(),
            [Piece::Opened, Piece::Element(element)]
        );
    }

    #[test]
    fn prefixes_end_with_the_element_that_declares_them() {
        let text = format!("{OPENING}<a xmlns:p='urn:p'><p:b><c/></p:b><d xmlns='urn:d'><e/></d></a><f/>");
        let found = pieces(&text, 3).unwrap();
        let [_, Piece::Element(a), Piece::Element(f)] = &found[..] else {
            panic!("{found:?}");
        };
        let b = a.get("b", "urn:p").unwrap();
        assert!(b.get("c", "jabber:client").is_some());
        let d = a.get("d", "urn:d").unwrap();
        assert!(d.get("e", "urn:d").is_some());
        assert!(f.is("f", "jabber:client"));
    }

    #[test]
    fn what_is_no_xml_is_an_error() {
        assert!(pieces(&format!("{OPENING}<a></b>"), 100).is_err());
        assert!(pieces("<html><body/></html>", 100).is_err());
        let mut bytes = Pieces::default();
        bytes.buffer().extend_from_slice(b"<a>\xff</a>");
        assert!(bytes.next().is_err());
    }
}
