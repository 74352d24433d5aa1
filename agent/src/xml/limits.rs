//! Bounds of what is read. Each is several times what the largest real domain needs (libvirt
//! itself allows backing chains of 200 images, each nested in the last).

/// Length of the text.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Elements nested in one another.
pub(super) const MAX_DEPTH: usize = 256;
/// Elements of the document.
pub(super) const MAX_ELEMENTS: usize = 65_536;
/// Attributes of one element, namespace declarations included.
pub(super) const MAX_ATTRIBUTES: usize = 64;
/// Namespace declarations in force at one place.
pub(super) const MAX_NAMESPACES: usize = 64;
/// Length of one name, attribute value or text. The guest's description is the longest.
pub(super) const MAX_VALUE_BYTES: usize = 64 * 1024;
