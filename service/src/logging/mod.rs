//! Logs, as lines like those of the other OpenStack services, or as JSON.

mod fields;
mod format;
mod layer;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use oslo_config::Config;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;

use format::Format;
use layer::LogLayer;

oslo_config::options! {
    /// Logs of every process.
    pub struct LogOptions in "DEFAULT" {
        /// Log what only developers want to know.
        pub debug: bool = false;
        /// Log one JSON object a line instead of text.
        pub use_json: bool = false;
        /// Log to this file instead of standard error.
        pub log_file: Option<PathBuf>;
        /// Levels of parts of the program, each part=LEVEL with one of ERROR, WARN, INFO, DEBUG
        /// and TRACE, over what `debug` says.
        pub default_log_levels: Vec<String> =
            ["lapin=WARN", "hyper=WARN", "hyper_util=WARN", "reqwest=WARN", "rustls=WARN"];
    }
}

/// Why nothing could be logged.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file.
    #[error(
        "cannot open the log file {}: name one that the service's user may write to",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A level.
    #[error("{directive:?} in default_log_levels is not of the form part=LEVEL")]
    Level {
        /// The entry.
        directive: String,
        /// Why.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
}

/// Sets up the logs of this process. Only the first call has an effect.
///
/// # Errors
/// When the options cannot be followed.
pub fn start(options: &LogOptions) -> Result<(), LogError> {
    let mut filter = EnvFilter::new(if options.debug { "debug" } else { "info" });
    for directive in &options.default_log_levels {
        let parsed = directive
            .parse()
            .map_err(|source| LogError::Level { directive: directive.clone(), source })?;
        filter = filter.add_directive(parsed);
    }
    let output: Box<dyn Write + Send> = match &options.log_file {
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            Box::new(file.map_err(|source| LogError::File { path: path.clone(), source })?)
        }
        None => Box::new(io::stderr()),
    };
    let format = if options.use_json { Format::Json } else { Format::Line };
    let layer = LogLayer::new(format, output);
    let subscriber = tracing_subscriber::registry().with(filter).with(layer);
    // Tests of one process may have set logs up already.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

/// Logs where the configuration came from, and what is odd about it.
pub fn report(config: &Config) {
    let files: Vec<_> = config.files_used().iter().map(|file| file.display().to_string()).collect();
    tracing::info!(files = files.join(" "), "configuration");
    for warning in config.warnings() {
        tracing::warn!(%warning, "configuration");
    }
}

/// Sets up the logs of a worker process: lines on standard error, which its conductor passes on
/// under its own time. `FIRN_LOG` filters, `info` by default.
pub fn start_worker() {
    let filter = EnvFilter::try_from_env("FIRN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(io::stderr)
        .without_time()
        .init();
}
