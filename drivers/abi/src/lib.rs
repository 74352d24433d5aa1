//! The C ABI between Firn and a storage driver
