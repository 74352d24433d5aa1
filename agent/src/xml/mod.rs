//! A small tree of XML elements, read from untrusted text within fixed bounds.
//!
//! A tree of our own rather than a ready one, because those found check attributes for
//! duplicates, or copy namespaces, in quadratic time: 4 MiB of hostile XML would hold a processor
//! for minutes.

mod error;
mod limits;
mod read;

use std::ops::Range;
use std::rc::Rc;

pub use error::XmlError;
pub(crate) use limits::MAX_BYTES;
pub(crate) use read::read;

/// One attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// Name as written, with its prefix.
    name: String,
    value: String,
    /// Where the value stands in the text, without its quotes.
    pub(crate) range: Range<usize>,
}

/// One element with all below it.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// Name without prefix.
    pub(crate) name: String,
    /// The namespace its prefix is bound to; unprefixed elements have none.
    pub(crate) namespace: Option<Rc<str>>,
    attributes: Vec<Attribute>,
    /// Character data directly below, outer white space removed.
    text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The value of an attribute without prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attribute_node(name).map(|attribute| attribute.value.as_str())
    }

    /// An attribute with its place.
    pub(crate) fn attribute_node(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The first child of this name in libvirt's own vocabulary (no namespace).
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.named(name).next()
    }

    /// The first child reached by one name after the other.
    pub(crate) fn path(&self, names: &[&str]) -> Option<&Element> {
        names.iter().try_fold(self, |element, name| element.child(name))
    }

    /// All children of this name, without namespace.
    pub(crate) fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.namespace.is_none() && child.name == name)
    }

    /// The text directly in the element; `None` when there is none.
    pub(crate) fn text(&self) -> Option<&str> {
        Some(self.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The text of the first child of this name.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).and_then(Element::text)
    }
}

impl Attribute {
    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}
