use firn_driver_sdk::Driver;

use crate::bench::Bench;
use crate::checks::CHECKS;
use crate::report::{Outcome, Stop};
use crate::{Fixture, Report};

/// Runs every check and tells how each ended.
pub fn run(driver: &dyn Driver, fixture: &dyn Fixture) -> Report {
    let bench = Bench { driver, fixture };
    let mut report = Report::default();
    for (name, check) in CHECKS {
        let outcome = match check(&bench) {
            Ok(()) => Outcome::Passed,
            Err(Stop::LeftOut) => Outcome::LeftOut,
            Err(Stop::Failed(why)) => Outcome::Failed(why),
        };
        report.add(name, outcome);
    }
    report
}
