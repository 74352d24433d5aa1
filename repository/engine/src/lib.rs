//! The deduplicating store for disk images
