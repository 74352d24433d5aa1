//! Passwords in a domain XML do not go into restore points.

use crate::xml::{Attribute, Element};

/// The text without the values of its passwords. `root` was read from `xml`.
pub(super) fn removed(xml: &[u8], root: &Element) -> String {
    let text = String::from_utf8_lossy(xml);
    let mut ranges = Vec::new();
    collect(root, &mut ranges);
    ranges.sort_unstable_by_key(|range| range.start);
    let mut clean = String::with_capacity(text.len());
    let mut copied = 0;
    for range in ranges {
        clean.push_str(&text[copied..range.start]);
        copied = range.end;
    }
    clean.push_str(&text[copied..]);
    clean
}

fn collect(element: &Element, ranges: &mut Vec<std::ops::Range<usize>>) {
    // VNC and SPICE passwords.
    let password = element.attribute_node("passwd");
    // Secrets that are handed to QEMU past libvirt: `-object secret,id=s0,data=…`.
    let argument = element.attribute_node("value").filter(|attribute| {
        let value = attribute.value();
        element.name == "arg" && value.contains("secret") && value.contains("data")
    });
    ranges
        .extend(password.into_iter().chain(argument).map(|Attribute { range, .. }| range.clone()));
    for child in &element.children {
        collect(child, ranges);
    }
}
