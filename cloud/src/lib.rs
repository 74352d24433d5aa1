//! Narrow traits for what Firn asks of a cloud
