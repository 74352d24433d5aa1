//! `firn-manage repository`.

use std::path::Path;

use anyhow::{Context, bail};
use chrono::Utc;
use clap::{Args, Subcommand};
use firn_core::RepositoryId;
use firn_db::{Database, NewRepository};
use firn_repository::{
    ChunkSize, CreateOptions, MasterKey, OpenOptions, Repository, RepositoryError, Storage,
};
use firn_service::RepositoryOptions;

use crate::say;

/// What to do with the repository.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the repository that [repository] names, its key file, and its row in the database
    Create(Create),
}

/// How to make it.
#[derive(Args, Debug)]
pub struct Create {
    /// Bytes of a chunk: a power of two from 65536 to 4194304
    #[arg(long)]
    chunk_size: Option<u32>,
}

/// Carries it out.
///
/// # Errors
/// A repository without its key, or one that cannot be written.
pub fn run(
    command: &Command,
    database: &Database,
    options: &RepositoryOptions,
) -> anyhow::Result<()> {
    match command {
        Command::Create(create) => make(create, database, options),
    }
}

fn make(create: &Create, database: &Database, options: &RepositoryOptions) -> anyhow::Result<()> {
    let chunk_bytes = match create.chunk_size {
        Some(bytes) => ChunkSize::new(bytes).context("--chunk-size")?,
        None => ChunkSize::default(),
    };
    let chunk_bytes = open_or_create(&options.path, &options.key_file, chunk_bytes)?.chunk_size();
    let chunk_bytes = u64::from(chunk_bytes.bytes());
    let url = format!("file://{}", options.path.display());
    let name = options.name.clone();
    let known = database.run_blocking(|conn| firn_db::repository_find(conn, &name))?;
    if let Some(known) = known {
        if known.url != url {
            bail!(
                "the database knows the repository {name} at {}: choose another name, or that path",
                known.url
            );
        }
        say(&format!("the repository {name} is there already: {url}"))?;
        return Ok(());
    }
    let new = NewRepository { id: RepositoryId::new(), name: name.clone(), url, chunk_bytes };
    database.run_blocking(|conn| firn_db::repository_create(conn, new, Utc::now()))?;
    say(&format!(
        "made the repository {name} in {}; keep a copy of {} in a safe place, without it nothing \
         can be restored",
        options.path.display(),
        options.key_file.display()
    ))?;
    Ok(())
}

/// A repository is made only where nothing is: a folder that is not mounted must not become one.
fn open_or_create(path: &Path, key_file: &Path, size: ChunkSize) -> anyhow::Result<Repository> {
    if path.exists() && !key_file.exists() && path.read_dir()?.next().is_some() {
        bail!(
            "{} holds something and the key file {} does not exist: put the key file back, or \
             name an empty folder",
            path.display(),
            key_file.display()
        );
    }
    if !key_file.exists() {
        if let Some(folder) = key_file.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        MasterKey::generate()?.store_new(key_file)?;
    }
    std::fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
    let key = MasterKey::load(key_file)?;
    match Repository::open(Storage::local(path)?, &key, OpenOptions { cache_dir: None }) {
        Err(RepositoryError::NoRepository) => {
            let options = CreateOptions { chunk_bytes: size };
            Ok(Repository::create(Storage::local(path)?, &key, options)?)
        }
        opened => opened.with_context(|| format!("cannot open {}", path.display())),
    }
}
