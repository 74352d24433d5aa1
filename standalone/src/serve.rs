//! `firn serve`: puts the services together in one process.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use firn_api::{Api, ApiConfig, StandaloneIdentity};
use firn_cloud::Standalone;
use firn_conductor::worker::protocol::{DriverAccess, Limits, RepositoryAccess};
use firn_conductor::worker::{Bandwidth, WorkerCommand};
use firn_conductor::{CloudAccess, Conductor, ConductorConfig};
use firn_core::RepositoryId;
use firn_db::{Database, JobLimits, NewRepository};
use firn_repository::ChunkSize;
use oslo_messaging::{InProcess, NoNotifier, Transport};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Serve;
use crate::machines;
use crate::state_dir::StateDir;

/// The conductor's name. There is one a state folder, whatever the machine is called.
const HOST: &str = "standalone";

/// Name of the repository in the state folder.
const REPOSITORY: &str = "default";

/// The drivers that belong to this build.
const DRIVERS: [&str; 1] = ["file"];

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(options: &Serve) -> anyhow::Result<()> {
    let state = StateDir::take(&options.state_dir)?;
    let listener = TcpListener::bind(options.listen)
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let chunk_bytes = match options.repository_chunk_size {
        Some(bytes) => ChunkSize::new(bytes).context("--repository-chunk-size")?,
        None => ChunkSize::default(),
    };
    // The repository's calls block, so this comes before the asynchronous part.
    let chunk_bytes = state.open_repository(chunk_bytes)?.chunk_size();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .context("cannot start the asynchronous runtime")?
        .block_on(serve(options, state, listener, chunk_bytes))
}

async fn serve(
    options: &Serve,
    state: StateDir,
    listener: TcpListener,
    chunk_bytes: ChunkSize,
) -> anyhow::Result<()> {
    let told_to_stop = stop_signals()?;
    let database = Database::open(&state.database_url())?;
    database.migrate()?;
    let repository = register_repository(&database, &state, chunk_bytes).await?;
    // The state folder is ours alone, so whoever held jobs under our name is dead.
    database.run(|conn| firn_db::job_lease_expire(conn, HOST, Utc::now())).await?;

    let transport: Arc<dyn Transport> = Arc::new(InProcess::new());
    let domains = machines::source(&options.domain_dir, options.libvirt.as_deref());
    let cloud = Arc::new(Standalone::new(Arc::new(machines::Domains(domains))));
    let identity = match &options.token_file {
        Some(path) => StandaloneIdentity::from_token_file(path)?,
        None => StandaloneIdentity::open(),
    };
    let api = Api::new(
        ApiConfig::default(),
        database.clone(),
        Arc::clone(&transport),
        Arc::new(identity),
    )?;
    let config = conductor_config(options, &state)?;
    let notifier = Arc::new(NoNotifier);
    let cloud = CloudAccess::read_only(cloud);
    let conductor = Conductor::new(config, repository, database, transport, notifier, cloud);
    let shutdown = conductor.shutdown();
    let answers = conductor.answers();
    let conductor = tokio::spawn(conductor.run());
    // Who is told that the service is ready may ask at once for what only the conductor knows.
    answers.notified().await;
    let (stop_api, api_stops) = tokio::sync::oneshot::channel::<()>();
    let mut api = tokio::spawn(firn_api::serve(api, listener, async {
        let _ = api_stops.await;
    }));
    tracing::info!(listen = %options.listen, state_dir = %options.state_dir.display(), "ready");

    let served = tokio::select! {
        () = told_to_stop => {
            tracing::info!("stopping");
            let _ = stop_api.send(());
            None
        }
        ended = &mut api => Some(ended),
    };
    shutdown.request();
    conductor.await.context("the conductor panicked")?;
    let served = match served {
        Some(ended) => ended,
        None => api.await,
    };
    Ok(served.context("the API panicked")??)
}

/// Listens for the signals that end the service. From here on they do not end the process by
/// themselves, so this comes before anybody can find the service ready.
fn stop_signals() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// The row of the repository in the state folder.
async fn register_repository(
    database: &Database,
    state: &StateDir,
    chunk_bytes: ChunkSize,
) -> anyhow::Result<RepositoryId> {
    let url = format!("file://{}", state.repository().display());
    let chunk_bytes = u64::from(chunk_bytes.bytes());
    let register = move |conn: &mut _| match firn_db::repository_find(conn, REPOSITORY)? {
        Some(repository) => Ok(repository.id),
        None => {
            let id = RepositoryId::new();
            let new = NewRepository { id, name: REPOSITORY.to_owned(), url, chunk_bytes };
            firn_db::repository_create(conn, new, Utc::now()).map(|repository| repository.id)
        }
    };
    Ok(database.run(register).await?)
}

fn conductor_config(options: &Serve, state: &StateDir) -> anyhow::Result<ConductorConfig> {
    let program = std::env::current_exe().context("cannot find this program's own path")?;
    let driver_path = match &options.driver_path {
        Some(path) => path.clone(),
        None => program.parent().map(PathBuf::from).unwrap_or_default(),
    };
    let runtime = json!({ "runtime_dir": state.runtime() });
    Ok(ConductorConfig {
        host: HOST.to_owned(),
        worker: WorkerCommand { program, arguments: vec!["worker".to_owned()] },
        drivers: DriverAccess {
            path: driver_path,
            enabled: DRIVERS.map(str::to_owned).into(),
            config: [("file".to_owned(), runtime)].into(),
        },
        repository: RepositoryAccess {
            path: state.repository(),
            key_file: state.key_file(),
            cache_dir: state.cache(),
        },
        restores_dir: state.restores(),
        limits: Limits {
            threads: options.threads,
            memory_bytes: options.memory_mib << 20,
            compression_level: options.compression_level,
            bandwidth_bytes_per_second: None,
        },
        bandwidth: Bandwidth::new(None),
        job_limits: JobLimits::default(),
        concurrent_jobs: options.concurrent_jobs as usize,
        lease: Duration::from_secs(15),
        reconcile_interval: Duration::from_secs(5),
        probe_deadline: Duration::from_secs(20),
    })
}
