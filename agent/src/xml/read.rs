use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::limits::{
    MAX_ATTRIBUTES, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, MAX_NAMESPACES, MAX_VALUE_BYTES,
};
use super::{Attribute, Element, XmlError};

/// Reads a document and returns its outermost element.
pub(crate) fn read(bytes: &[u8]) -> Result<Element, XmlError> {
    if bytes.len() > MAX_BYTES {
        return Err(XmlError::TooLong { limit_bytes: MAX_BYTES });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| XmlError::NotUtf8 { offset: error.valid_up_to() })?;
    if let Some((offset, character)) = text.char_indices().find(|(_, c)| !allowed(*c)) {
        let line = line_of(text, offset);
        return Err(XmlError::Character { line, character: character.into() });
    }
    Document { text, offset: 0, open: Vec::new(), namespaces: Vec::new(), elements: 0, root: None }
        .read()
}

/// XML 1.0's set of characters.
const fn allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// A prefix bound to a namespace by the element at `depth`.
struct Binding {
    depth: usize,
    prefix: String,
    uri: Rc<str>,
}

struct Document<'a> {
    text: &'a str,
    /// Start of the event being read.
    offset: usize,
    /// The elements begun and not ended, outermost first.
    open: Vec<Element>,
    namespaces: Vec<Binding>,
    elements: usize,
    root: Option<Element>,
}

impl<'a> Document<'a> {
    fn read(mut self) -> Result<Element, XmlError> {
        let mut reader = Reader::from_str(self.text);
        loop {
            self.offset = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let event = reader.read_event().map_err(|error| self.malformed(error.to_string()))?;
            match event {
                Event::Start(start) => self.begin(&start)?,
                Event::Empty(start) => {
                    self.begin(&start)?;
                    self.end();
                }
                Event::End(_) => self.end(),
                Event::Text(text) => self.append(&text.xml10_content())?,
                Event::CData(data) => self.append(&data.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let character = self.resolve(&reference)?;
                    self.append(character.encode_utf8(&mut [0; 4]))?;
                }
                Event::DocType(_) => return Err(XmlError::DocumentType { line: self.line() }),
                Event::Decl(declaration) => match declaration.encoding() {
                    Some(Ok(name)) if !name.eq_ignore_ascii_case("utf-8") => {
                        return Err(XmlError::Encoding);
                    }
                    _ => {}
                },
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        if let Some(element) = self.open.last() {
            return Err(self.malformed(format!("<{}> is never closed", short(&element.name))));
        }
        match self.root.take() {
            Some(root) => Ok(root),
            None => Err(self.malformed("there is no element".to_owned())),
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), XmlError> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.malformed("a second outermost element".to_owned()));
        }
        self.elements += 1;
        self.within(self.elements, MAX_ELEMENTS, "elements")?;
        self.within(self.open.len() + 1, MAX_DEPTH, "nested elements")?;
        let attributes = self.attributes(start)?;
        self.bind(&attributes)?;
        let qualified = start.name();
        let qualified: &str = qualified.as_ref();
        let (namespace, name) = match qualified.split_once(':') {
            Some((prefix, name)) => (Some(self.namespace(prefix)?), name),
            None => (None, qualified),
        };
        self.within(name.len(), MAX_VALUE_BYTES, "bytes in a name")?;
        let name = name.to_owned();
        self.open.push(Element { name, namespace, attributes, ..Element::default() });
        Ok(())
    }

    fn end(&mut self) {
        self.namespaces.retain(|binding| binding.depth < self.open.len());
        let Some(mut element) = self.open.pop() else { return };
        let trimmed = element.text.trim();
        if trimmed.len() < element.text.len() {
            element.text = trimmed.to_owned();
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn attributes(&self, start: &BytesStart<'_>) -> Result<Vec<Attribute>, XmlError> {
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut read = start.attributes();
        // The reader's own check for duplicates has no bound on their number.
        for attribute in read.with_checks(false) {
            let attribute = attribute.map_err(|error| self.malformed(error.to_string()))?;
            self.within(attributes.len() + 1, MAX_ATTRIBUTES, "attributes of one element")?;
            let name: &str = attribute.key.as_ref();
            self.within(name.len(), MAX_VALUE_BYTES, "bytes in a name")?;
            if attributes.iter().any(|known| known.name == name) {
                return Err(self.malformed(format!("the attribute {} is there twice", short(name))));
            }
            let raw: &str = &attribute.value;
            self.within(raw.len(), MAX_VALUE_BYTES, "bytes in an attribute")?;
            if raw.contains('<') {
                return Err(self.malformed(format!("the attribute {} holds a `<`", short(name))));
            }
            let value = self.unescape(raw)?;
            let range = self.range_of(raw);
            attributes.push(Attribute { name: name.to_owned(), value, range });
        }
        Ok(attributes)
    }

    /// Where a part of the text stands in it. The reader lends slices of the text it reads.
    fn range_of(&self, part: &str) -> Range<usize> {
        let begin = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        debug_assert_eq!(self.text.get(begin..begin + part.len()), Some(part));
        begin..begin + part.len()
    }

    /// Replaces references. Line ends and tabs become blanks, as XML asks of attributes.
    fn unescape(&self, raw: &str) -> Result<String, XmlError> {
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
            value.push_str(&rest[..at]);
            if rest.as_bytes()[at] != b'&' {
                value.push(' ');
                rest = &rest[at + 1..];
                continue;
            }
            let Some(end) = rest[at..].find(';') else {
                return Err(self.malformed("a `&` begins no reference".to_owned()));
            };
            value.push(self.resolve(&BytesRef::new(&rest[at + 1..at + end]))?);
            rest = &rest[at + end + 1..];
        }
        value.push_str(rest);
        Ok(value)
    }

    /// The character behind a reference: one of XML's five names, or a number.
    fn resolve(&self, reference: &BytesRef<'_>) -> Result<char, XmlError> {
        let numbered =
            reference.resolve_char_ref().map_err(|error| self.malformed(error.to_string()))?;
        let character = match numbered {
            Some(character) => character,
            None => match reference.xml10_content().as_ref() {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => return Err(XmlError::DocumentType { line: self.line() }),
            },
        };
        if allowed(character) {
            Ok(character)
        } else {
            Err(XmlError::Character { line: self.line(), character: character.into() })
        }
    }

    fn append(&mut self, text: &str) -> Result<(), XmlError> {
        let Some(element) = self.open.last_mut() else {
            // A byte order mark may stand before the document.
            return match text.trim_start_matches('\u{feff}').trim().is_empty() {
                true => Ok(()),
                false => Err(self.malformed("text outside of all elements".to_owned())),
            };
        };
        element.text.push_str(text);
        let length = element.text.len();
        self.within(length, MAX_VALUE_BYTES, "bytes of text")
    }

    /// Notes the namespaces that an element declares.
    fn bind(&mut self, attributes: &[Attribute]) -> Result<(), XmlError> {
        let depth = self.open.len() + 1;
        for attribute in attributes {
            if let Some(prefix) = attribute.name.strip_prefix("xmlns:") {
                let (prefix, uri) = (prefix.to_owned(), attribute.value.as_str().into());
                self.namespaces.push(Binding { depth, prefix, uri });
            }
        }
        self.within(self.namespaces.len(), MAX_NAMESPACES, "namespaces")
    }

    fn namespace(&self, prefix: &str) -> Result<Rc<str>, XmlError> {
        let bound = self.namespaces.iter().rev().find(|binding| binding.prefix == prefix);
        match bound {
            Some(binding) => Ok(Rc::clone(&binding.uri)),
            None => Err(self.malformed(format!("the prefix {} is not declared", short(prefix)))),
        }
    }

    fn within(&self, count: usize, limit: usize, what: &'static str) -> Result<(), XmlError> {
        if count <= limit {
            return Ok(());
        }
        Err(XmlError::TooMuch { line: self.line(), what, limit })
    }

    fn malformed(&self, reason: String) -> XmlError {
        XmlError::Malformed { line: self.line(), reason: short(&reason).into_owned() }
    }

    fn line(&self) -> usize {
        line_of(self.text, self.offset)
    }
}

/// Hostile names do not flood a message.
fn short(text: &str) -> Cow<'_, str> {
    const SHOWN_CHARS: usize = 200;
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}
