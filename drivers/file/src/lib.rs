//! Storage driver for raw and qcow2 files on this host
