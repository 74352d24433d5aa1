//! Queues and RPC behind one trait
