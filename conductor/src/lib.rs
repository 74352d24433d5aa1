//! Runs jobs as sagas and moves data
