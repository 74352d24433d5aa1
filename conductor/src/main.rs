//! `firn-conductor`: takes jobs and runs them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use firn_cloud::openstack::identity::Trusts;
use firn_cloud::openstack::{
    CinderOptions, CinderSnapshots, GlanceOptions, Hypervisors, KeystoneAuthtokenOptions,
    NeutronOptions, NovaOptions, OpenStackCloud, OpenStackRebuild, Services as OpenStackServices,
    ServicesOptions, TrustDelegation,
};
use firn_cloud::{Delegation, Guests, NoDelegation};
use firn_conductor::worker::protocol::{DriverAccess, Limits, RepositoryAccess};
use firn_conductor::worker::{Bandwidth, WorkerCommand};
use firn_conductor::{
    AgentCloud, CephOptions, CloudAccess, Conductor, ConductorConfig, ConductorOptions,
    StorageOptions, ToldClusters,
};
use firn_db::{DatabaseOptions, QuotaOptions};
use firn_service::{
    HostOptions, LogOptions, Messaging, RepositoryOptions, ServiceArguments, Signals,
};
use oslo_config::Config;
use serde_json::json;

/// How long the last notifications may take when the process ends.
const LAST_NOTIFICATIONS: Duration = Duration::from_secs(5);

/// Below the state path.
const TOLD_CLUSTERS: &str = "ceph";

/// Takes backup and restore jobs and runs them
#[derive(Parser)]
#[command(name = "firn-conductor", version)]
struct Arguments {
    #[command(flatten)]
    service: ServiceArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Moves the data of one job; started by the conductor itself
    #[command(hide = true)]
    Worker {
        /// The job, for `ps`
        job: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Worker { .. }) => {
            firn_service::logging::start_worker();
            firn_conductor::worker::main()
        }
        None => firn_service::exit(run(&arguments.service)),
    }
}

fn run(arguments: &ServiceArguments) -> anyhow::Result<()> {
    let mut groups = vec![
        HostOptions::group(),
        LogOptions::group(),
        DatabaseOptions::group(),
        ConductorOptions::group(),
        StorageOptions::group(),
        CephOptions::group(),
        RepositoryOptions::group(),
        KeystoneAuthtokenOptions::group().shared(),
        NovaOptions::group(),
        CinderOptions::group(),
        NeutronOptions::group(),
        GlanceOptions::group(),
        QuotaOptions::group(),
    ];
    groups.extend(Messaging::groups());
    let config = arguments.load(&groups)?;
    firn_service::logging::start(&config.get()?)?;
    firn_service::logging::report(&config);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .context("cannot start the asynchronous runtime")?
        .block_on(serve(&config))
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    let options: ConductorOptions = config.get()?;
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let database: DatabaseOptions = config.get()?;
    let database = tokio::task::spawn_blocking(move || database.open_synced()).await??;
    let host = config.get::<HostOptions>()?.host;
    let messaging = Messaging::start(config, &format!("conductor.{host}"))?;
    let (transport, notifier) = (messaging.transport, messaging.notifier);
    let name = config.get::<RepositoryOptions>()?.name;
    let wanted = name.clone();
    let found = database.run(move |conn| firn_db::repository_find(conn, &wanted)).await?;
    let repository = found.with_context(|| {
        format!("there is no repository {name}: run `firn-manage repository create`")
    })?;
    let down_after = Duration::from_secs(options.agent_down_time);
    let agents = Arc::new(AgentCloud::new(database.clone(), Arc::clone(&transport), down_after));
    let settings = settings(config, &options)?;
    if let Some(told) = told_clusters(config, &options)? {
        tokio::spawn(told.keep(Arc::clone(&agents)));
    }
    let keystone: KeystoneAuthtokenOptions = config.get()?;
    let delegation: Arc<dyn Delegation> = if keystone.is_set() {
        Arc::new(TrustDelegation::new(Trusts::new(keystone.session()?)))
    } else {
        tracing::warn!("no [keystone_authtoken]: plans run whether or not their owners still may");
        Arc::new(NoDelegation)
    };
    let cloud = match options.cloud.as_str() {
        "openstack" => openstack(config, &keystone, agents)?,
        _ => CloudAccess {
            guests: Some(Arc::clone(&agents) as Arc<dyn Guests>),
            ..CloudAccess::read_only(agents)
        },
    };
    let conductor = Conductor::new(
        settings,
        repository.id,
        database,
        Arc::clone(&transport),
        Arc::clone(&notifier),
        cloud,
    )
    .with_delegation(delegation)
    .with_quotas(config.get::<QuotaOptions>()?.limits());
    let shutdown = conductor.shutdown();
    let answers = conductor.answers();
    let mut running = tokio::spawn(conductor.run());
    answers.notified().await;
    firn_service::ready("taking jobs");
    tracing::info!(host, "ready");
    tokio::select! {
        ended = &mut running => ended.context("the conductor panicked")?,
        never = firn_service::watchdog() => never,
        () = signals.stop() => {
            firn_service::stopping("waiting for running jobs");
            tracing::info!("stopping when the running jobs have ended");
            shutdown.drain();
            let patience = Duration::from_secs(options.graceful_shutdown_timeout);
            tokio::select! {
                ended = &mut running => ended.context("the conductor panicked")?,
                () = late(patience, &mut signals) => {
                    tracing::info!("stopping the running jobs; they go on elsewhere or later");
                    shutdown.request();
                    running.await.context("the conductor panicked")?;
                }
            }
        }
    }
    // The jobs that have just ended told so, and without this nobody would hear of it.
    notifier.finish(LAST_NOTIFICATIONS).await;
    transport.close().await;
    Ok(())
}

/// Nova and its companions as the service user, and the agents as their hypervisors.
fn openstack(
    config: &Config,
    keystone: &KeystoneAuthtokenOptions,
    agents: Arc<AgentCloud>,
) -> anyhow::Result<CloudAccess> {
    if !keystone.is_set() {
        bail!("[conductor] cloud = openstack needs a service user in [keystone_authtoken]");
    }
    let request_id = firn_conductor::current_request;
    let options = ServicesOptions {
        compute: config.get::<NovaOptions>()?.client(request_id),
        block_storage: config.get::<CinderOptions>()?.client(request_id),
        network: config.get::<NeutronOptions>()?.client(request_id),
        images: config.get::<GlanceOptions>()?.client(request_id),
    };
    let session = keystone.session()?;
    let services = OpenStackServices::new(&session, &options);
    let snapshots = CinderSnapshots::new(Arc::clone(&services.block_storage));
    let rebuild = OpenStackRebuild::new(services.clone(), Trusts::new(session), options);
    Ok(CloudAccess {
        cloud: Arc::new(OpenStackCloud::new(services, Arc::clone(&agents) as Arc<dyn Hypervisors>)),
        guests: Some(agents),
        volume_snapshots: Some(Arc::new(snapshots)),
        rebuild: Some(Arc::new(rebuild)),
    })
}

/// What hypervisors know of Ceph clusters, where that is wanted.
fn told_clusters(
    config: &Config,
    options: &ConductorOptions,
) -> anyhow::Result<Option<ToldClusters>> {
    let CephOptions { conf_from_agents, keyring_dir, .. } = config.get()?;
    let StorageOptions { enabled_drivers, .. } = config.get()?;
    if !conf_from_agents || enabled_drivers.iter().all(|driver| driver != "ceph") {
        return Ok(None);
    }
    Ok(Some(ToldClusters {
        folder: state_folder(options, TOLD_CLUSTERS)?,
        keyring_dir,
        at_first: Duration::from_secs(options.reconcile_interval),
        interval: Duration::from_secs(options.agent_down_time),
    }))
}

/// Patience ends by itself, or by a second signal.
async fn late(patience: Duration, signals: &mut Signals) {
    tokio::select! {
        () = tokio::time::sleep(patience) => {}
        () = signals.stop() => {}
    }
}

fn settings(config: &Config, options: &ConductorOptions) -> anyhow::Result<ConductorConfig> {
    let storage: StorageOptions = config.get()?;
    let repository: RepositoryOptions = config.get()?;
    let program = std::env::current_exe().context("cannot find this program's own path")?;
    let runtime_dir = state_folder(options, "run")?;
    let told_clusters = state_folder(options, TOLD_CLUSTERS)?;
    make_private(&options.restores_dir)
        .with_context(|| format!("cannot make {}", options.restores_dir.display()))?;
    Ok(ConductorConfig {
        host: config.get::<HostOptions>()?.host,
        worker: WorkerCommand { program, arguments: vec!["worker".to_owned()] },
        drivers: DriverAccess {
            path: storage.driver_path,
            enabled: storage.enabled_drivers,
            config: [
                ("file".to_owned(), json!({ "runtime_dir": runtime_dir })),
                ("ceph".to_owned(), config.get::<CephOptions>()?.driver_config(&told_clusters)),
            ]
            .into(),
        },
        repository: RepositoryAccess {
            path: repository.path,
            key_file: repository.key_file,
            cache_dir: state_folder(options, "cache")?,
        },
        restores_dir: options.restores_dir.clone(),
        limits: Limits {
            threads: options.job_threads,
            memory_bytes: options.job_memory_mib << 20,
            compression_level: options.compression_level,
            bandwidth_bytes_per_second: None,
        },
        bandwidth: Bandwidth::new(
            (options.bandwidth_mib > 0).then_some(options.bandwidth_mib << 20),
        ),
        concurrent_jobs: options.concurrent_jobs,
        job_limits: options.job_limits(),
        lease: Duration::from_secs(options.lease_seconds),
        reconcile_interval: Duration::from_secs(options.reconcile_interval),
        probe_deadline: Duration::from_secs(options.probe_deadline),
    })
}

fn state_folder(options: &ConductorOptions, name: &str) -> anyhow::Result<PathBuf> {
    let path = options.state_path.join(name);
    make_private(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}

fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
