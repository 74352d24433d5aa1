//! Tests over the built programs and real services
