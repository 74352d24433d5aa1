use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use firn_driver_sdk::{BackingFile, DriverError, ErrorKind, ImageFormat};

use crate::gate::{self, Opened};
use crate::identity::Identity;
use crate::lock;
use crate::policy::Policy;
use crate::qcow2::Header;

const DEPTH_LIMIT: usize = 64;

/// One open, locked file of a disk.
#[derive(Debug)]
pub(crate) struct Part {
    /// The file.
    pub(crate) opened: Opened,
    /// What it was when it was locked.
    pub(crate) identity: Identity,
}

/// One image of a chain.
#[derive(Debug)]
pub(crate) struct Layer {
    /// The image itself.
    pub(crate) part: Part,
    /// Its header where it is qcow2, `None` where it is raw.
    pub(crate) header: Option<Header>,
    /// Its guest data, where that lies in a file of its own.
    pub(crate) data: Option<Part>,
}

/// A qcow2 image and all that it rests on, nearest first; every file of it open and locked
/// against writers.
#[derive(Debug)]
pub(crate) struct Chain {
    /// The images; never empty.
    pub(crate) layers: Vec<Layer>,
}

/// How much a chain is kept from changing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Not at all: a disk in use is no error.
    Look,
    /// Locked against writers.
    Read,
    /// Locked against other writers, and readers of ours.
    Write,
}

impl Chain {
    /// Opens the chain of the qcow2 image at `path`. Its backing files are found in the headers
    /// and followed only as far as `named` or the policy say.
    ///
    /// # Errors
    /// `Conflict` for a file in use, `Forbidden` for a file that the policy refuses, and all that
    /// can be wrong with a header.
    pub(crate) fn open(
        path: &Path,
        named: &[BackingFile],
        policy: &Policy<'_>,
        hold: Hold,
    ) -> Result<Self, DriverError> {
        let named = Named::resolve(named);
        let top = gate::open(path, false, |real| policy.disk(real))?;
        let folder = top.path.parent().unwrap_or(Path::new("/")).to_owned();
        let linked = elsewhere(path, &top.path);
        let permitted = |real: &Path| {
            if named.holds(real) {
                policy.disk(real)
            } else {
                policy.named_by_header(real, &folder)
            }
        };

        let mut layers: Vec<Layer> = Vec::new();
        let mut next = Some((top, ImageFormat::Qcow2, linked));
        while let Some((opened, format, linked)) = next.take() {
            let part = Part::new(opened, hold)?;
            if layers.len() == DEPTH_LIMIT
                || layers.iter().any(|layer| {
                    part.opened.file.metadata().is_ok_and(|m| layer.part.identity.is_file(&m))
                })
            {
                return Err(DriverError::integrity(format!(
                    "the backing files of {} go round in a circle or are more than {DEPTH_LIMIT}",
                    path.display()
                )));
            }
            let at = part.opened.path.clone();
            let header = match format {
                ImageFormat::Raw => None,
                ImageFormat::Qcow2 => {
                    Some(Header::read(&part.opened.file).map_err(|error| error.at(&at))?)
                }
                ImageFormat::Other => {
                    let message = format!("{}: only raw and qcow2 images are read", at.display());
                    return Err(DriverError::new(ErrorKind::Unsupported, message));
                }
            };
            let mut data = None;
            if let Some(header) = &header {
                let reach = |name: &[u8]| {
                    let name = plain_name(&at, name)?;
                    if name.is_relative() && linked {
                        return Err(relative_behind_symlink(&at));
                    }
                    let given = at.parent().unwrap_or(Path::new("/")).join(name);
                    let opened = gate::open(&given, false, permitted)?;
                    let linked = elsewhere(&given, &opened.path);
                    Ok((opened, linked))
                };
                if let Some(name) = &header.data_file {
                    data = Some(Part::new(reach(name)?.0, hold)?);
                }
                if let Some(name) = &header.backing_name {
                    let (backing, linked) = reach(name)?;
                    let format = match named.format(&backing.path) {
                        Some(format) => format,
                        None => format_by_header(&at, header)?,
                    };
                    next = Some((backing, format, linked));
                }
            }
            layers.push(Layer { part, header, data });
        }
        Ok(Self { layers })
    }

    /// The image that the VM writes to.
    ///
    /// # Errors
    /// Never for a chain that [`Chain::open`] made.
    pub(crate) fn top(&self) -> Result<&Layer, DriverError> {
        self.layers.first().ok_or_else(|| DriverError::internal("a chain without an image"))
    }

    /// The top image's header.
    ///
    /// # Errors
    /// Never for a chain that [`Chain::open`] made.
    pub(crate) fn header(&self) -> Result<&Header, DriverError> {
        let missing = || DriverError::internal("a chain without a qcow2 image");
        self.top()?.header.as_ref().ok_or_else(missing)
    }

    /// What the top image rests on, as it was found.
    pub(crate) fn backing(&self) -> Vec<BackingFile> {
        let below = self.layers.iter().skip(1);
        below
            .map(|layer| BackingFile {
                path: layer.part.opened.path.clone(),
                format: match layer.header {
                    Some(_) => ImageFormat::Qcow2,
                    None => ImageFormat::Raw,
                },
            })
            .collect()
    }

    /// Every file of it.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.layers.iter().flat_map(|layer| std::iter::once(&layer.part).chain(&layer.data))
    }
}

impl Part {
    /// Locks an open file and then takes down what it is.
    ///
    /// # Errors
    /// `Conflict` where it is in use.
    pub(crate) fn new(opened: Opened, hold: Hold) -> Result<Self, DriverError> {
        if hold != Hold::Look {
            lock::lock(&opened.file, &opened.path, hold == Hold::Write)?;
        }
        let identity = opened.identity()?;
        Ok(Self { opened, identity })
    }

    /// Whether somebody has the file open for writing.
    ///
    /// # Errors
    /// What the system answers.
    pub(crate) fn in_use(&self) -> Result<bool, DriverError> {
        lock::in_use(&self.opened.file).map_err(|source| {
            let doing = format!("look for locks of {}", self.opened.path.display());
            DriverError::io(doing, source)
        })
    }

    /// That nothing happened to the file.
    ///
    /// # Errors
    /// `Conflict` where the file may have changed since it was opened.
    pub(crate) fn check_unchanged(&self) -> Result<(), DriverError> {
        if self.opened.unchanged_since(&self.identity) {
            return Ok(());
        }
        Err(DriverError::conflict(format!(
            "{} was changed or replaced while it was read: run the backup again",
            self.opened.path.display()
        )))
    }
}

/// The files that the domain names, by real path.
struct Named(Vec<(PathBuf, ImageFormat)>);

impl Named {
    fn resolve(named: &[BackingFile]) -> Self {
        // A file that cannot be found fails when the chain comes to it.
        let real = |file: &BackingFile| {
            std::fs::canonicalize(&file.path).ok().map(|path| (path, file.format))
        };
        Self(named.iter().filter_map(real).collect())
    }

    fn holds(&self, real: &Path) -> bool {
        self.format(real).is_some()
    }

    fn format(&self, real: &Path) -> Option<ImageFormat> {
        self.0.iter().find(|(path, _)| path == real).map(|(_, format)| *format)
    }
}

/// The file name in a header. QEMU would take anything with a colon before the first slash for a
/// protocol (`json:`, `nbd:`, `fat:`): none of that is followed.
fn plain_name<'a>(image: &Path, name: &'a [u8]) -> Result<&'a Path, DriverError> {
    let head = name.split(|byte| *byte == b'/').next().unwrap_or_default();
    if name.is_empty() || name.contains(&0) || head.contains(&b':') {
        return Err(DriverError::forbidden(format!(
            "{} names {:?} as backing or data file, which is not the path of a file",
            image.display(),
            String::from_utf8_lossy(name)
        )));
    }
    Ok(Path::new(OsStr::from_bytes(name)))
}

fn format_by_header(image: &Path, header: &Header) -> Result<ImageFormat, DriverError> {
    match header.backing_format.as_deref() {
        Some(b"raw") => Ok(ImageFormat::Raw),
        Some(b"qcow2") => Ok(ImageFormat::Qcow2),
        Some(_) => Ok(ImageFormat::Other),
        None => Err(DriverError::new(
            ErrorKind::Unsupported,
            format!(
                "{} does not say of which format its backing file is, and guessing is not safe: \
                 set it with qemu-img rebase -u -F",
                image.display()
            ),
        )),
    }
}

/// Whether `given` is a symbolic link to a file, now known as `real`, in another folder.
fn elsewhere(given: &Path, real: &Path) -> bool {
    let folder = given.parent().and_then(|folder| std::fs::canonicalize(folder).ok());
    folder.as_deref() != real.parent()
}

fn relative_behind_symlink(image: &Path) -> DriverError {
    // QEMU looks for it beside the link, we would look beside the file: maybe two files.
    DriverError::new(
        ErrorKind::Unsupported,
        format!(
            "{} is reached by a symbolic link from another folder and names its backing file by \
             a relative path: give the image's own path",
            image.display()
        ),
    )
}
