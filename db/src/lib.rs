//! Rows, queries and migrations
