//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Backup, restore and instant restore for virtual machines.
#[derive(Debug, Parser)]
#[command(name = "firn", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the API, the conductor and the agent in one process.
    Serve(Serve),
    /// What can be protected.
    #[command(subcommand)]
    Instance(Instance),
    /// Back up an instance now and wait for the end.
    Backup {
        /// Name or id of the instance.
        instance: String,
        /// Read only what changed since the newest point, where the storage can tell.
        #[arg(long)]
        incremental: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Restore points.
    #[command(subcommand)]
    Point(Point),
    /// Write a restore point's disks to raw files and wait for the end.
    Restore {
        /// Id of the restore point, or the beginning of one.
        point: String,
        /// Name of the new folder below the server's `restores` folder.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        server: Server,
    },
    /// Read restore points back, check every chunk, and wait for the end.
    Verify {
        /// Id of the restore point, or the beginning of one; every point where not given.
        point: Option<String>,
        /// Check only this fraction of the chunks, chosen at random: 0.1 for a tenth.
        #[arg(long)]
        sample: Option<f64>,
        #[command(flatten)]
        server: Server,
    },
    /// Jobs.
    #[command(subcommand)]
    Job(Job),
    /// One data move; started by the service itself.
    #[command(hide = true)]
    Worker {
        /// The job, for people who look at the process list.
        job_id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Instance {
    /// Every instance with its disks.
    List {
        #[command(flatten)]
        server: Server,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Point {
    /// Every restore point, newest first.
    List {
        /// Only of this instance, by name or id.
        #[arg(long)]
        instance: Option<String>,
        #[command(flatten)]
        server: Server,
    },
    /// Delete a restore point; every other one stays complete.
    Delete {
        /// Id of the restore point, or the beginning of one.
        point: String,
        #[command(flatten)]
        server: Server,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Every job, newest first.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Follow a job to its end.
    Watch {
        /// Id of the job, or the beginning of one.
        job: String,
        #[command(flatten)]
        server: Server,
    },
    /// Stop a job; everything it did is undone.
    Cancel {
        /// Id of the job, or the beginning of one.
        job: String,
        #[command(flatten)]
        server: Server,
    },
}

/// Where the service is.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// Its address.
    #[arg(long, env = "FIRN_URL", default_value = "http://127.0.0.1:8998")]
    pub(crate) url: String,
    /// File with the token, where the service asks for one.
    #[arg(long, env = "FIRN_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// How the service runs.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Folder for the database, the default repository, its key file and restores.
    #[arg(long)]
    pub(crate) state_dir: PathBuf,
    /// Folder with libvirt domain XML files, `*.xml`.
    #[arg(long)]
    pub(crate) domain_dir: PathBuf,
    /// Address of the API. Anything but loopback needs a token.
    #[arg(long, default_value = "127.0.0.1:8998")]
    pub(crate) listen: SocketAddr,
    /// File with a token that every request must carry as `X-Auth-Token`.
    #[arg(long)]
    pub(crate) token_file: Option<PathBuf>,
    /// Ask this libvirt for the live state of domains, such as `qemu:///system`.
    #[arg(long)]
    pub(crate) libvirt: Option<String>,
    /// Folder with the storage drivers; beside this program where not given.
    #[arg(long)]
    pub(crate) driver_path: Option<PathBuf>,
    /// Chunk size of a new repository in bytes, a power of two from 65536 to 4194304.
    #[arg(long)]
    pub(crate) repository_chunk_size: Option<u32>,
    /// zstd level for new chunks, 1 to 19.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=19))]
    pub(crate) compression_level: i32,
    /// Threads of one job; 0 chooses by the machine.
    #[arg(long, default_value_t = 0)]
    pub(crate) threads: usize,
    /// Memory of one job in MiB.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u64).range(64..))]
    pub(crate) memory_mib: u64,
    /// How many jobs run at once.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub(crate) concurrent_jobs: u64,
}
