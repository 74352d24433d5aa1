use std::sync::Arc;

use firn_driver_sdk::{
    Access, Disk, DiskLocation, Driver, DriverError, ErrorKind, Location, OpenRequest, Probe,
    ReadRequest,
};

use crate::report::{Checked, Stop, describe, ensure};
use crate::{Content, Fixture};

/// What every check works with.
pub(crate) struct Bench<'a> {
    pub(crate) driver: &'a dyn Driver,
    pub(crate) fixture: &'a dyn Fixture,
}

/// A disk in the medium, with what it holds.
pub(crate) struct Sample {
    pub(crate) disk: DiskLocation,
    pub(crate) probe: Probe,
    pub(crate) content: Content,
}

impl Sample {
    pub(crate) fn location(&self) -> &Location {
        &self.probe.location
    }
}

impl Bench<'_> {
    /// An odd size: some whole megabytes and one piece of granularity.
    pub(crate) fn size_bytes(&self) -> u64 {
        (4 << 20) + self.fixture.size_granularity_bytes()
    }

    /// A new disk with sample content.
    pub(crate) fn sample(&self, name: &str) -> Checked<Sample> {
        let content = Content::sample(name.len() as u64, self.size_bytes());
        let disk = self.fixture.make_disk(name, &content)?;
        Ok(Sample { probe: self.probe(&disk)?, disk, content })
    }

    /// The driver's answer for a disk that is its own.
    pub(crate) fn probe(&self, disk: &DiskLocation) -> Checked<Probe> {
        self.driver
            .probe(disk)?
            .ok_or_else(|| Stop::Failed(format!("the driver disowns its own disk {disk:?}")))
    }

    pub(crate) fn open(
        &self,
        location: &Location,
        snapshot: Option<&str>,
        access: Access,
    ) -> Result<Arc<dyn Disk>, DriverError> {
        let request = OpenRequest {
            location: location.clone(),
            snapshot: snapshot.map(str::to_owned),
            access,
        };
        self.driver.open(&request).map(Arc::from)
    }

    pub(crate) fn open_to_read(&self, location: &Location) -> Checked<Arc<dyn Disk>> {
        Ok(self.open(location, None, Access::ReadOnly)?)
    }
}

/// One read of `length` bytes.
pub(crate) fn read(disk: &dyn Disk, offset: u64, length: usize) -> Result<Vec<u8>, DriverError> {
    // Not zero, so that a buffer which the driver leaves alone shows.
    let mut buffer = vec![0xa5; length];
    disk.read(&mut [ReadRequest { offset, buffer: &mut buffer }])?;
    Ok(buffer)
}

/// Reads a range and compares it with the content.
pub(crate) fn expect_range(
    disk: &dyn Disk,
    content: &Content,
    offset: u64,
    length: usize,
) -> Checked {
    let found = read(disk, offset, length)?;
    match content.first_difference(offset, &found) {
        None => Ok(()),
        Some(difference) => {
            Err(Stop::Failed(format!("reading {length} bytes at {offset}: {difference}")))
        }
    }
}

/// Reads the whole disk, in pieces, and compares it with the content.
pub(crate) fn expect_content(disk: &dyn Disk, content: &Content) -> Checked {
    let size = content.size_bytes();
    ensure!(disk.size_bytes() == size, "the size is {} and not {size}", disk.size_bytes());
    for offset in (0..size).step_by(1 << 20) {
        expect_range(disk, content, offset, (size - offset).min(1 << 20) as usize)?;
    }
    Ok(())
}

/// Expects one of the kinds, and an error that is of use to people.
pub(crate) fn expect_error<T>(
    result: Result<T, DriverError>,
    kinds: &[ErrorKind],
    doing: &str,
) -> Checked<DriverError> {
    let error = match result {
        Ok(_) => return Err(Stop::Failed(format!("{doing} succeeds and should fail"))),
        Err(error) => error,
    };
    ensure!(
        kinds.contains(&error.kind()),
        "{doing} fails as {} and should as {kinds:?}",
        describe(&error)
    );
    expect_useful(&error, doing)?;
    Ok(error)
}

/// A message is one line with some words, and does not repeat its cause.
fn expect_useful(error: &DriverError, doing: &str) -> Checked {
    let message = error.message().trim();
    ensure!(
        message.len() >= 10 && message.contains(' ') && !message.contains('\n'),
        "{doing} fails without a useful message: {message:?}"
    );
    if let Some(cause) = std::error::Error::source(error) {
        let cause = cause.to_string();
        ensure!(
            cause.is_empty() || !message.contains(&cause),
            "{doing} fails with a message that repeats its cause: {message:?}"
        );
    }
    Ok(())
}
