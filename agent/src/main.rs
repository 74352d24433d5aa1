//! `firn-agent`: answers the conductors' questions about the domains of this host.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{SecondsFormat, Utc};
use clap::Parser;
use firn_agent::rpc::{Agent, AgentOptions};
use firn_agent::{AgentConfig, CombinedSource, DomainSource, FolderSource, LibvirtSource};
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
    let HostOptions { host } = config.get()?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .context("cannot start the asynchronous runtime")?
        .block_on(async {
            let mut signals = Signals::listen().context("cannot listen for signals")?;
            let messaging = Messaging::start(&config, &format!("agent.{}", host))?;
            let transport = messaging.transport;
            let options = AgentOptions {
                host: host.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started_at: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
                report_interval: Duration::from_secs(options.report_interval),
                deadline: Duration::from_secs(options.deadline),
            };
            let agent = Agent::new(options, source, Arc::clone(&transport));
            firn_service::ready("answering");
            tracing::info!(host, "ready");
            tokio::select! {
                never = agent.run() => never,
                never = firn_service::watchdog() => never,
                () = signals.stop() => {}
            }
            firn_service::stopping("stopping");
            tracing::info!("stopping");
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
