//! The REST service
