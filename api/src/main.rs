//! `firn-api`: the REST service.

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use clap::Parser;
use firn_api::options::{self, AuthStrategy, Settings};
use firn_api::{
    Api, ApiParts, Delegation, Identity, KeystoneDelegation, KeystoneIdentity, NoDelegation,
    StandaloneIdentity,
};
use firn_db::{Database, DatabaseOptions, ServiceKind, ServiceReport};
use firn_service::{HostOptions, LogOptions, Messaging, ServiceArguments, Signals};
use oslo_config::Config;
use uuid::Uuid;

/// A list of a thousand is tens of thousands of allocations: this one is faster at them than libc's,
/// and gives memory back.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// For jemalloc, by this name. Most threads only wait for the database and need no store of free
/// memory of their own; what a long list took is given back within a tenth of a second
/// (docs/adr/0045).
#[allow(unsafe_code)]
// SAFETY: it is a thin pointer to a string that ends in a zero byte, as jemalloc reads it.
#[unsafe(export_name = "malloc_conf")]
pub static MALLOC_CONF: &[u8; 69] =
    b"narenas:1,tcache_max:1024,lg_tcache_nslots_mul:-2,dirty_decay_ms:100\0";

/// How often the database is told that this process lives.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The REST service
#[derive(Parser)]
#[command(name = "firn-api", version)]
struct Arguments {
    #[command(flatten)]
    service: ServiceArguments,
}

fn main() -> ExitCode {
    firn_service::exit(run(&Arguments::parse().service))
}

fn run(arguments: &ServiceArguments) -> anyhow::Result<()> {
    let mut groups = options::groups();
    groups.extend([HostOptions::group(), LogOptions::group(), DatabaseOptions::group()]);
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
    let settings = Settings::read(config)?;
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let listen = settings.listen();
    let listener =
        TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    let options: DatabaseOptions = config.get()?;
    let database = tokio::task::spawn_blocking(move || options.open_synced()).await??;
    let host = config.get::<HostOptions>()?.host;
    let transport = Messaging::without_notifications(config)?;
    let (identity, delegation) = identity(&settings)?;
    let api = Api::from_parts(ApiParts {
        config: settings.config(),
        database: database.clone(),
        transport: Arc::clone(&transport),
        identity,
        delegation,
        policy: Arc::new(settings.policy(config)?),
    })?;
    firn_service::ready("serving");
    tracing::info!(host, "ready");
    let stopped = async {
        signals.stop().await;
        firn_service::stopping("ending the requests that run");
        tracing::info!("stopping");
    };
    tokio::select! {
        served = firn_api::serve(api, listener, stopped) => served?,
        never = report(&database, host) => never,
        never = firn_service::watchdog() => never,
    }
    transport.close().await;
    Ok(())
}

/// Who callers are, and how they entrust the service with running their plans.
fn identity(settings: &Settings) -> anyhow::Result<(Arc<dyn Identity>, Arc<dyn Delegation>)> {
    Ok(match settings.default.strategy() {
        AuthStrategy::Keystone => {
            let validator = settings.validator()?;
            let delegation = KeystoneDelegation::new(validator.clone());
            (Arc::new(KeystoneIdentity::new(validator)), Arc::new(delegation))
        }
        AuthStrategy::NoAuth => (Arc::new(StandaloneIdentity::open()), Arc::new(NoDelegation)),
    })
}

/// Tells the database for ever that this process lives.
async fn report(database: &Database, host: String) -> ! {
    let report = ServiceReport {
        kind: ServiceKind::Api,
        host,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Utc::now(),
    };
    loop {
        let report = report.clone();
        let beat = move |conn: &mut _| {
            firn_db::service_heartbeat(conn, &report, Uuid::new_v4(), Utc::now())
        };
        if let Err(error) = database.run(beat).await {
            tracing::warn!(%error, "no service heartbeat");
        }
        tokio::time::sleep(HEARTBEAT).await;
    }
}
