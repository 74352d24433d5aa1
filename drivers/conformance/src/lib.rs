//! One behavioural suite that every storage driver passes, native or loaded, in Rust or in C.
//!
//! A driver's tests implement [`Fixture`], which makes disks in the driver's medium without the
//! driver, and call [`run`]. Every check opens its own disks and compares what the driver does
//! with a plain model of the content. What a driver cannot do is left out, and the [`Report`] says
//! so: a test pins that list, so that nothing falls silent.
//!
//! ```no_run
//! # use firn_driver_conformance::{Fixture, run};
//! # use firn_driver_sdk::Driver;
//! # fn test(driver: &dyn Driver, fixture: &dyn Fixture) {
//! let report = run(driver, fixture);
//! report.assert_passed();
//! assert_eq!(report.left_out(), ["snapshots"]);
//! # }
//! ```
//!
//! It must not know of any particular driver, nor of how drivers are loaded.

mod bench;
mod checks;
mod content;
mod fixture;
mod library;
mod report;
mod suite;

pub use content::Content;
pub use fixture::{Fixture, FixtureResult, NewDisk};
pub use library::{StagedLibrary, stage};
pub use report::{Outcome, Report};
pub use suite::{run, run_only};
