//! Configuration as OpenStack operators know it: INI files, `--config-file` and `--config-dir`,
//! the environment, `$other_option` inside values; every option declared once, beside the code
//! that uses it.
//!
//! ```
//! oslo_config::options! {
//!     /// Where the service keeps its records.
//!     pub struct DatabaseOptions in "database" {
//!         /// SQLAlchemy-style URL of the database.
//!         pub connection: String = "sqlite:///var/lib/firn/firn.sqlite", secret;
//!         /// Most connections held open at once.
//!         pub max_pool_size: u32 = 20, min 1, max 1000;
//!     }
//! }
//!
//! # fn main() -> Result<(), oslo_config::ConfigError> {
//! let config = oslo_config::Loader::new("firn")
//!     .files(Vec::<std::path::PathBuf>::new())
//!     .default_files(false)
//!     .environment([("OS_DATABASE__MAX_POOL_SIZE".to_owned(), "5".to_owned())])
//!     .load(&[DatabaseOptions::group()])?;
//! let options: DatabaseOptions = config.get()?;
//! assert_eq!(options.max_pool_size, 5);
//! # Ok(())
//! # }
//! ```
//!
//! # Where a value comes from
//! The strongest first: [`Loader::set`] (a command line's own options), the environment
//! (`OS_<GROUP>__<OPTION>`), the files and folders in the order they were given, later ones
//! stronger, the declared default. A deprecated name counts where the current one is absent.
//!
//! # What is reported
//! Everything that is wrong, at once, by option, file and line ([`Problem`]).
//! - Errors, [`Loader::load`] fails: unreadable files, lines that are no INI, unknown options in a
//!   group that the program declares, bad values, references to options that do not exist,
//!   options without a value that need one.
//! - Warnings ([`Config::warnings`]): groups that the program does not know, and unknown options in
//!   `[DEFAULT]`, since one file serves several programs ([`Loader::strict`] makes them errors, for
//!   a command that knows the options of all); unknown options in a group that other programs read
//!   too ([`Group::shared`]), unless they look like a mistyped known one; options set twice in one file (the last one
//!   counts), deprecated names, variables of the environment that name no option.
//!
//! # Invariants
//! - what oslo.config reads, this reads to the same values (a test asks the Python library);
//!   where it would silently do something surprising, this reports. Known differences: a
//!   reference to an option by its old name gives the option's value, there nothing; a list that
//!   is referred to is put in with commas, there as Python writes it; a number that is missing
//!   within a list is an error;
//! - the value of an option declared `secret` appears in no `Debug`, no dump and no error.
//!
//! This crate must not know any option of the programs that use it.

mod config;
mod convert;
mod declare;
mod environment;
mod error;
mod files;
pub mod ini;
mod interpolate;
mod loader;
mod macros;
mod redact;
mod sample;
mod structured;
mod uri;
mod value;

pub use config::{Change, Config, Reader};
pub use convert::DefaultFrom;
pub use declare::{Group, OptionSpec, Options, Rules};
pub use error::{ConfigError, Problem, ProblemKind, Severity, Source};
pub use loader::{Loader, Outcome};
pub use redact::redacted;
pub use sample::{committed_sample_is_current, sample};
pub use uri::Uri;
pub use value::{OptionValue, ValueError};
