use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use firn_core::{CephConf, ErrorKind, InstanceId, chain};
use oslo_messaging::{Envelope, RemoteError, Request, Schema, Transport};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::beat::beat;
use super::{
    AgentReport, CEPH_LIST, CephCluster, CephListed, DOMAIN_LIST, DOMAIN_SHOW, DomainListed,
    DomainShow, DomainShown, DomainsListed, INSTANCE_FREEZE, INSTANCE_THAW, VERSION, freeze,
    target,
};
use crate::ceph;
use crate::{DomainSource, FreezeError, Freezes, SourceError};

/// How many questions are answered at once.
const PREFETCH: u16 = 8;
/// Wait before a lost connection is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What an agent is told about itself.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// The host's name, as Nova knows it.
    pub host: String,
    /// This program's version.
    pub version: String,
    /// When it started, ISO 8601 in UTC.
    pub started_at: String,
    /// How often conductors are told that it lives.
    pub report_interval: Duration,
    /// How long one question about this host may take.
    pub deadline: Duration,
}

/// Answers for the domains of a host.
pub struct Agent {
    options: AgentOptions,
    host: Host,
    transport: Arc<dyn Transport>,
}

/// What questions are about.
#[derive(Clone)]
struct Host {
    source: Arc<dyn DomainSource>,
    /// `None` where no guest can be frozen.
    freezes: Option<Arc<Freezes>>,
    /// Each `ceph.conf` of the host.
    ceph_conf: Arc<[PathBuf]>,
}

impl Agent {
    /// An agent; nothing runs yet.
    pub fn new(
        options: AgentOptions,
        source: Arc<dyn DomainSource>,
        transport: Arc<dyn Transport>,
    ) -> Self {
        let host = Host { source, freezes: None, ceph_conf: Arc::default() };
        Self { options, host, transport }
    }

    /// The same where guests can be frozen.
    #[must_use]
    pub fn with_freezes(mut self, freezes: Arc<Freezes>) -> Self {
        self.host.freezes = Some(freezes);
        self
    }

    /// The same where the host uses Ceph clusters, by their `ceph.conf`s.
    #[must_use]
    pub fn with_ceph(mut self, conf: Vec<PathBuf>) -> Self {
        self.host.ceph_conf = conf.into();
        self
    }

    /// Runs until dropped.
    pub async fn run(&self) -> ! {
        let report = AgentReport {
            host: self.options.host.clone(),
            version: self.options.version.clone(),
            started_at: self.options.started_at.clone(),
        };
        tokio::join!(
            self.serve(),
            beat(self.transport.as_ref(), &report, self.options.report_interval)
        )
        .0
    }

    async fn serve(&self) -> ! {
        let target = target(&self.options.host);
        let mut answering = JoinSet::new();
        loop {
            match self.transport.serve(&target, PREFETCH).await {
                Ok(mut server) => {
                    while let Some(request) = server.next().await {
                        let host = self.host.clone();
                        let span = tracing::info_span!(
                            "question",
                            request_id = request.envelope.request_id,
                            schema = request.envelope.schema
                        );
                        let reply = reply(host, request, self.options.deadline);
                        answering.spawn(reply.instrument(span));
                        while answering.try_join_next().is_some() {}
                    }
                }
                Err(error) => tracing::warn!(%error, "cannot receive questions"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn reply(host: Host, request: Request, deadline: Duration) {
    let schema = request.envelope.schema.clone();
    let request_id = request.envelope.request_id.clone();
    let question = request.envelope.clone();
    // The thread stays with a libvirt that hangs; only the answer is given up.
    let work = tokio::task::spawn_blocking(move || answer(&host, &question));
    let answer = match tokio::time::timeout(deadline, work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Err(Refusal::internal(&error.to_string())),
        Err(_) => Err(Refusal {
            kind: ErrorKind::Unavailable,
            message: format!("libvirt did not answer within {} s", deadline.as_secs()),
        }),
    };
    let sent = match answer {
        Ok(body) => {
            tracing::info!("answered");
            request.answer(Envelope { schema, request_id, body }).await
        }
        Err(refusal) => {
            tracing::warn!(reason = refusal.message, "refused");
            request.refuse(refusal.remote()).await
        }
    };
    if let Err(error) = sent {
        tracing::warn!(%error, "an answer could not be sent");
    }
}

fn answer(host: &Host, question: &Envelope) -> Result<Value, Refusal> {
    let schema: Schema = question.schema.parse().map_err(|_| Refusal::unknown(question))?;
    let (source, freezes) = (host.source.as_ref(), host.freezes.as_deref());
    match (schema.name.as_str(), schema.version) {
        (DOMAIN_LIST, 1..=VERSION) => Ok(json!(list(source)?)),
        (DOMAIN_SHOW, 1..=VERSION) => {
            let asked: DomainShow = arguments(question)?;
            Ok(json!(show(source, asked.id)?))
        }
        (CEPH_LIST, 1..=VERSION) => Ok(json!(ceph_list(&host.ceph_conf))),
        (INSTANCE_FREEZE, 1..=VERSION) => {
            Ok(json!(freeze::freeze(source, freezes, &arguments(question)?)?))
        }
        (INSTANCE_THAW, 1..=VERSION) => Ok(json!(freeze::thaw(freezes, &arguments(question)?)?)),
        _ => Err(Refusal::unknown(question)),
    }
}

fn arguments<T: DeserializeOwned>(question: &Envelope) -> Result<T, Refusal> {
    serde_json::from_value(question.body.clone()).map_err(|error| Refusal::invalid(&error))
}

fn list(source: &dyn DomainSource) -> Result<DomainsListed, SourceError> {
    let list = source.list()?;
    for problem in &list.problems {
        tracing::warn!(origin = problem.origin, reason = problem.reason, "domain not usable");
    }
    let mut domains = Vec::with_capacity(list.domains.len());
    for summary in list.domains {
        // A list does not tell who owns a domain, nor what Nova calls it; its XML does.
        match source.domain(summary.id) {
            Ok(domain) => domains.push(DomainListed {
                id: domain.id,
                project_id: domain.project_id(),
                name: domain.name,
                power_state: summary.power_state,
            }),
            Err(SourceError::NotFound { .. }) => {}
            Err(error) => tracing::warn!(instance_id = %summary.id, %error, "domain not usable"),
        }
    }
    domains.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(DomainsListed { domains })
}

fn show(source: &dyn DomainSource, id: InstanceId) -> Result<DomainShown, SourceError> {
    let xml = source.domain_xml(id)?;
    let power_state = source.power_state(id)?;
    Ok(DomainShown { xml, power_state })
}

fn ceph_list(conf: &[PathBuf]) -> CephListed {
    let cluster = |conf: CephConf| Some(CephCluster { fsid: conf.fsid?, mon_host: conf.mon_host });
    CephListed { clusters: ceph::clusters(conf).into_iter().filter_map(cluster).collect() }
}

/// Why a question is not answered.
struct Refusal {
    kind: ErrorKind,
    message: String,
}

impl Refusal {
    fn unknown(question: &Envelope) -> Self {
        let schema: String = question.schema.chars().take(100).collect();
        let message = format!("this agent does not know the question {schema:?}: upgrade it");
        Self { kind: ErrorKind::Unsupported, message }
    }

    fn invalid(error: &serde_json::Error) -> Self {
        let message = format!("the question's arguments make no sense: {error}");
        Self { kind: ErrorKind::InvalidInput, message }
    }

    fn internal(message: &str) -> Self {
        Self { kind: ErrorKind::Internal, message: message.to_owned() }
    }

    /// The code is the error kind's own word.
    fn remote(self) -> RemoteError {
        let code = serde_json::to_value(self.kind).ok();
        let code = code.as_ref().and_then(Value::as_str).unwrap_or("internal").to_owned();
        RemoteError { code, message: self.message }
    }
}

impl From<SourceError> for Refusal {
    fn from(error: SourceError) -> Self {
        Self { kind: error.kind(), message: chain(&error) }
    }
}

/// A guest that does not thaw yet.
impl From<FreezeError> for Refusal {
    fn from(error: FreezeError) -> Self {
        Self { kind: ErrorKind::Unavailable, message: chain(&error) }
    }
}

#[cfg(test)]
mod tests {
    use oslo_messaging::InProcess;

    use super::*;
    use crate::FolderSource;

    const XML: &str = "<domain type='kvm'><name>instance-1</name>\
        <uuid>0b6d6f1e-55a1-4a0e-9c53-000000000001</uuid><metadata>\
        <nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>\
        <nova:name>web</nova:name><nova:owner>\
        <nova:user uuid='u1'>demo</nova:user><nova:project uuid='p1'>demo</nova:project>\
        </nova:owner></nova:instance></metadata><memory>1024</memory><devices/></domain>";

    async fn ask(transport: &InProcess, method: &str, body: Value) -> Result<Value, String> {
        let schema = Schema { name: method.to_owned(), version: 1 };
        let question = Envelope::new(&schema, "req-1", body);
        let deadline = Duration::from_secs(5);
        loop {
            match transport.call(&target("host1"), question.clone(), deadline).await {
                Ok(answer) => return Ok(answer.body),
                Err(oslo_messaging::MessagingError::NoServer { .. }) => {
                    tokio::task::yield_now().await
                }
                Err(error) => {
                    return Err(error.remote().map_or(error.to_string(), |e| e.code.clone()));
                }
            }
        }
    }

    #[tokio::test]
    async fn an_agent_answers_what_is_on_its_list_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.xml"), XML).unwrap();
        let conf = "[global]\nfsid = F1\nmon host = [v2:10.0.0.1:3300,v1:10.0.0.1:6789]\n\
                    key = AQBsecret==\n";
        let confs = ["absent.conf", "nameless.conf", "ceph.conf"].map(|n| folder.path().join(n));
        std::fs::write(&confs[1], "[global]\nmon host = 10.0.0.2\n").unwrap();
        std::fs::write(&confs[2], conf).unwrap();
        let transport = Arc::new(InProcess::new());
        let options = AgentOptions {
            host: "host1".to_owned(),
            version: "1".to_owned(),
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            report_interval: Duration::from_secs(60),
            deadline: Duration::from_secs(5),
        };
        let source = Arc::new(FolderSource::new(folder.path()));
        let agent = Agent::new(options, source, Arc::clone(&transport) as Arc<dyn Transport>)
            .with_ceph(confs.to_vec());
        let agent = tokio::spawn(async move { agent.run().await });

        let listed = ask(&transport, DOMAIN_LIST, json!({})).await.unwrap();
        let id = "0b6d6f1e-55a1-4a0e-9c53-000000000001";
        let expected = json!({ "domains": [
            { "id": id, "name": "web", "project_id": "p1", "power_state": "unknown" }
        ] });
        assert_eq!(listed, expected);
        let shown = ask(&transport, DOMAIN_SHOW, json!({ "id": id })).await.unwrap();
        assert!(shown["xml"].as_str().unwrap().contains("<nova:name>web</nova:name>"));
        let clusters = ask(&transport, CEPH_LIST, json!({})).await.unwrap();
        let mon_host = "[v2:10.0.0.1:3300,v1:10.0.0.1:6789]";
        assert_eq!(clusters, json!({ "clusters": [{ "fsid": "f1", "mon_host": mon_host }] }));
        let absent = json!({ "id": "0b6d6f1e-55a1-4a0e-9c53-000000000002" });
        assert_eq!(ask(&transport, DOMAIN_SHOW, absent).await, Err("not_found".to_owned()));
        let path = json!({ "id": "../a" });
        assert_eq!(ask(&transport, DOMAIN_SHOW, path).await, Err("invalid_input".to_owned()));
        let job = "0b6d6f1e-55a1-4a0e-9c53-00000000000a";
        let freeze = json!({ "instance_id": id, "job_id": job, "hold_seconds": 1 });
        let frozen = ask(&transport, INSTANCE_FREEZE, freeze).await.unwrap();
        assert_eq!(
            frozen,
            json!({
                "outcome": "refused", "reason": "unable",
                "message": "the agent of the host does not talk to libvirt",
            })
        );
        let thaw = json!({ "instance_id": id, "job_id": job });
        let thawed = ask(&transport, INSTANCE_THAW, thaw).await.unwrap();
        assert_eq!(thawed, json!({ "held": false, "file_systems": 0 }));
        let other = ask(&transport, "shell.run", json!({})).await;
        assert_eq!(other, Err("unsupported".to_owned()));
        agent.abort();
    }
}
