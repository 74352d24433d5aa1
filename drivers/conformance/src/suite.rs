use firn_driver_sdk::Driver;

use crate::bench::Bench;
use crate::checks::CHECKS;
use crate::report::{Outcome, Stop};
use crate::{Fixture, Report};

/// Runs every check and tells how each ended.
pub fn run(driver: &dyn Driver, fixture: &dyn Fixture) -> Report {
    run_where(driver, fixture, |_| true)
}

/// Runs the checks of these names alone, for working on a driver.
pub fn run_only(driver: &dyn Driver, fixture: &dyn Fixture, names: &[&str]) -> Report {
    run_where(driver, fixture, |name| names.contains(&name))
}

fn run_where(
    driver: &dyn Driver,
    fixture: &dyn Fixture,
    wanted: impl Fn(&'static str) -> bool,
) -> Report {
    let bench = Bench { driver, fixture };
    let mut report = Report::default();
    for (name, check) in CHECKS.iter().filter(|(name, _)| wanted(name)) {
        let outcome = match check(&bench) {
            Ok(()) => Outcome::Passed,
            Err(Stop::LeftOut) => Outcome::LeftOut,
            Err(Stop::Failed(why)) => Outcome::Failed(why),
        };
        report.add(name, outcome);
    }
    report
}
