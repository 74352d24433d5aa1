//! Loads storage drivers and calls them through the C ABI
