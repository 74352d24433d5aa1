use std::path::PathBuf;

use clap::Args;
use oslo_config::{Config, ConfigError, Group, Loader};

/// Where a process's configuration is, as all OpenStack services are told.
#[derive(Args, Clone, Debug)]
pub struct ServiceArguments {
    /// Configuration file; may be given several times, later ones win. Without any, and without
    /// a folder, /etc/firn/firn.conf is read
    #[arg(long, value_name = "FILE")]
    pub config_file: Vec<PathBuf>,
    /// Folder whose *.conf files are read in order, after the files; may be given several times
    #[arg(long, value_name = "DIR")]
    pub config_dir: Vec<PathBuf>,
}

/// Read where nothing else is named.
const DEFAULT_FILE: &str = "/etc/firn/firn.conf";

impl ServiceArguments {
    /// Reads the configuration.
    ///
    /// # Errors
    /// All that is wrong with it, by file and line.
    pub fn load(&self, groups: &[Group]) -> Result<Config, ConfigError> {
        let mut files = self.config_file.clone();
        if files.is_empty() && self.config_dir.is_empty() {
            files.push(DEFAULT_FILE.into());
        }
        Loader::new("firn").files(files).dirs(self.config_dir.clone()).load(groups)
    }
}
