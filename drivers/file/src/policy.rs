use std::path::{Path, PathBuf};

use firn_driver_sdk::DriverError;

/// Which files may be opened for one disk.
///
/// The name of a backing file stands in the image, and whoever made the image (a tenant who
/// uploaded it) chose it: followed blindly it would put `/etc/shadow` or another tenant's disk
/// into a backup.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy<'a> {
    allowed: &'a [PathBuf],
}

impl<'a> Policy<'a> {
    /// The operator's folders; none means anywhere for disks.
    pub(crate) fn new(allowed: &'a [PathBuf]) -> Self {
        Self { allowed }
    }

    /// Whether a disk that the operator's own domain names may be opened. `real` has no symbolic
    /// links.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(crate) fn disk(&self, real: &Path) -> Result<(), DriverError> {
        if self.allowed.is_empty() || self.allows(real) {
            return Ok(());
        }
        Err(DriverError::forbidden(format!(
            "{} is not below any of the file driver's allowed_paths",
            real.display()
        )))
    }

    /// Whether a file that only an image's header names may be opened: below the allowed folders,
    /// or, where there are none, below `disk_folder`.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(crate) fn named_by_header(
        &self,
        real: &Path,
        disk_folder: &Path,
    ) -> Result<(), DriverError> {
        if self.allows(real) || (self.allowed.is_empty() && real.starts_with(disk_folder)) {
            return Ok(());
        }
        Err(DriverError::forbidden(format!(
            "the image's header names {} as backing or data file, which is neither named by the \
             domain nor allowed: add its folder to the file driver's allowed_paths if it is right",
            real.display()
        )))
    }

    fn allows(&self, real: &Path) -> bool {
        self.allowed.iter().any(|folder| real.starts_with(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_stay_in_their_folders() {
        let open = Policy::new(&[]);
        let folder = Path::new("/srv/vm");
        assert!(open.disk(Path::new("/anywhere/x")).is_ok());
        assert!(open.named_by_header(Path::new("/srv/vm/base"), folder).is_ok());
        assert!(open.named_by_header(Path::new("/srv/vm2/base"), folder).is_err());
        assert!(open.named_by_header(Path::new("/etc/shadow"), folder).is_err());

        let folders = [PathBuf::from("/srv/images")];
        let closed = Policy::new(&folders);
        assert!(closed.disk(Path::new("/srv/images/a/b")).is_ok());
        assert!(closed.disk(Path::new("/srv/vm/a")).is_err());
        assert!(closed.named_by_header(Path::new("/srv/vm/base"), folder).is_err());
        assert!(closed.named_by_header(Path::new("/srv/images/base"), folder).is_ok());
    }
}
