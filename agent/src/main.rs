//! `firn-agent`: answers the conductors' questions about the domains of this host.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{SecondsFormat, Utc};
use clap::Parser;
use firn_agent::rpc::{Agent, AgentOptions};
use firn_agent::{
    AgentConfig, CombinedSource, DomainSource, FolderSource, FreezeOptions, Freezes, LibvirtSource,
};
use firn_service::{HostOptions, LogOptions, Messaging, ServiceArguments, Signals};

/// The agent on a hypervisor: domain XML for backups
#[derive(Parser)]
#[command(name = "firn-agent", version)]
struct Arguments {
    #[command(flatten)]
    service: ServiceArguments,
}

fn main() -> ExitCode {
    firn_service::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut groups = vec![HostOptions::group(), LogOptions::group(), AgentConfig::group()];
    groups.extend(Messaging::groups());
    let config = arguments.service.load(&groups)?;
    firn_service::logging::start(&config.get()?)?;
    firn_service::logging::report(&config);
    let options: AgentConfig = config.get()?;
    let source = source(&options)?;
    let freezes = freezes(&options)?;
    let HostOptions { host } = config.get()?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .context("cannot start the asynchronous runtime")?
        .block_on(async {
            let mut signals = Signals::listen().context("cannot listen for signals")?;
            let transport = Messaging::without_notifications(&config)?;
            let ceph_conf = options.ceph_conf;
            let options = AgentOptions {
                host: host.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started_at: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
                report_interval: Duration::from_secs(options.report_interval),
                deadline: Duration::from_secs(options.deadline),
            };
            let mut agent =
                Agent::new(options, source, Arc::clone(&transport)).with_ceph(ceph_conf);
            if let Some(freezes) = &freezes {
                agent = agent.with_freezes(Arc::clone(freezes));
            }
            firn_service::ready("answering");
            tracing::info!(host, "ready");
            tokio::select! {
                never = agent.run() => never,
                never = firn_service::watchdog() => never,
                () = signals.stop() => {}
            }
            firn_service::stopping("stopping");
            tracing::info!("stopping");
            if let Some(freezes) = freezes {
                let left = tokio::task::spawn_blocking(move || freezes.stop()).await?;
                if left > 0 {
                    tracing::error!(left, "guests are frozen still: start this agent again");
                }
            }
            transport.close().await;
            Ok(())
        })
}

fn source(options: &AgentConfig) -> anyhow::Result<Arc<dyn DomainSource>> {
    let libvirt = LibvirtSource::new(&options.libvirt_uri);
    Ok(match (&options.domain_dir, options.libvirt_uri.is_empty()) {
        (Some(folder), true) => Arc::new(FolderSource::new(folder)),
        (Some(folder), false) => Arc::new(CombinedSource::new(FolderSource::new(folder), libvirt)),
        (None, false) => Arc::new(libvirt),
        (None, true) => {
            anyhow::bail!(
                "there are no domains to tell of: set libvirt_uri or domain_dir in [agent]"
            )
        }
    })
}

/// Guests are frozen through libvirt; without it there is nobody to freeze.
fn freezes(options: &AgentConfig) -> anyhow::Result<Option<Arc<Freezes>>> {
    if options.libvirt_uri.is_empty() {
        return Ok(None);
    }
    let deadline = Duration::from_secs(options.deadline);
    // A question may cost a freeze that is given up, or wait for a thaw, and is answered still.
    let libvirt = LibvirtSource::new(&options.libvirt_uri).with_deadline(deadline / 2);
    let freeze_options = FreezeOptions {
        records: options.state_path.join("frozen"),
        longest: Duration::from_secs(options.freeze_seconds),
        patience: deadline * 3 / 4,
        retry: Duration::from_secs(1),
    };
    let freezes = Freezes::open(Box::new(libvirt), freeze_options).with_context(|| {
        format!("cannot read in {} which guests are frozen", options.state_path.display())
    })?;
    Ok(Some(Arc::new(freezes)))
}
