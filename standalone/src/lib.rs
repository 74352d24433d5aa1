//! API, conductor and agent in one process
