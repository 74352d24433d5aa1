//! The cloud that the tests run on, and the removal of what they make there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use firn_agent::{DomainSource, LibvirtSource};
use firn_cloud::openstack::block_storage::{NewVolume, Volume};
use firn_cloud::openstack::compute::{NewServer, Server};
use firn_cloud::openstack::identity::Trusts;
use firn_cloud::openstack::{
    ClientOptions, Hypervisors, OpenStackCloud, OpenStackError, Services, ServicesOptions,
};
use firn_cloud::{CloudError, InstanceDetail};
use firn_core::{ErrorKind, InstanceId, ProjectId};
use keystone_middleware_rs::{
    Auth, DomainRef, HttpOptions, Interface, Method, ProjectRef, Scope, Session, SessionOptions,
    UserRef,
};
use serde_json::Value;
use uuid::Uuid;

/// Guests are emulated on a machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Somebody in the cloud.
pub(crate) struct Account {
    pub(crate) session: Session,
    pub(crate) services: Services,
    pub(crate) project: ProjectId,
}

pub(crate) struct Ground {
    pub(crate) state: PathBuf,
    /// Firn's service user, with the role admin in the service project.
    pub(crate) service: Account,
    pub(crate) alpha: Account,
    pub(crate) beta: Account,
    made: Mutex<Vec<Made>>,
}

/// What a test made, to be removed after it.
enum Made {
    Server(String),
    Volume(String),
    Snapshot(String),
    Port(String),
    Trust(String),
    /// What somebody else than a server holds.
    Held(String),
}

pub(crate) fn unique(what: &str) -> String {
    format!("firn-test-{what}-{}", Uuid::new_v4().simple())
}

/// Runs a test and removes what it made, also when it fails.
pub(crate) async fn on_cloud<F>(test: impl FnOnce(Arc<Ground>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let ground = Arc::new(Ground::open().await);
    let outcome = tokio::spawn(test(Arc::clone(&ground))).await;
    let left = ground.clear().await;
    if let Err(panicked) = outcome {
        std::panic::resume_unwind(panicked.into_panic());
    }
    assert!(left.is_empty(), "left behind: {left:?}");
}

impl Ground {
    async fn open() -> Self {
        let state = std::env::var_os("FIRN_CLOUD")
            .expect("FIRN_CLOUD names no cloud: `make cloud` makes one, in build/cloud");
        let state = PathBuf::from(state);
        let account = |rc: &str, user: Option<(&str, &str)>| {
            let path = state.join("openrc").join(rc);
            let text = std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let variables: BTreeMap<_, _> = text
                .lines()
                .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            session(&variables, user)
        };
        // The users of this cloud have the same password.
        let service = Account::of(account("admin", Some(("firn", "service")))).await;
        let alpha = Account::of(account("alpha", None)).await;
        let beta = Account::of(account("beta", None)).await;
        Self { state, service, alpha, beta, made: Mutex::default() }
    }

    fn note(&self, made: Made) {
        self.made.lock().unwrap().push(made);
    }

    pub(crate) fn note_volume(&self, id: &str) {
        self.note(Made::Volume(id.to_owned()));
    }

    pub(crate) fn note_snapshot(&self, id: &str) {
        self.note(Made::Snapshot(id.to_owned()));
    }

    pub(crate) fn note_port(&self, id: &str) {
        self.note(Made::Port(id.to_owned()));
    }

    pub(crate) fn note_server(&self, id: &str) {
        self.note(Made::Server(id.to_owned()));
    }

    pub(crate) fn note_trust(&self, id: &str) {
        self.note(Made::Trust(id.to_owned()));
    }

    pub(crate) fn note_holder(&self, id: &str) {
        self.note(Made::Held(id.to_owned()));
    }

    pub(crate) fn cloud(&self) -> OpenStackCloud {
        let socket = self.state.join("libvirt/run/libvirt-sock");
        let uri = format!("qemu:///system?socket={}", socket.display());
        let libvirt = LibvirtSource::new(&uri).with_deadline(Duration::from_secs(60));
        OpenStackCloud::new(self.service.services.clone(), Arc::new(Libvirt(Arc::new(libvirt))))
    }

    pub(crate) async fn image_id(&self) -> String {
        let glance = self.service.session.endpoint("image").await.unwrap();
        let url = format!("{glance}/v2/images");
        let request = self.service.session.request(Method::GET, &url);
        let answer = request.query("name", "console-guest").send().await.unwrap();
        let images: Value = answer.success().unwrap().json().unwrap();
        images["images"][0]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn flavor_id(&self, name: &str) -> String {
        let flavors = self.service.services.compute.flavor_list().await.unwrap();
        flavors.into_iter().find(|flavor| flavor.name == name).unwrap().id
    }

    /// A server of the tests' image, as it is asked for.
    pub(crate) async fn new_server(&self, flavor: &str) -> NewServer {
        NewServer {
            name: unique("server"),
            flavor_id: self.flavor_id(flavor).await,
            image_id: Some(self.image_id().await),
            ..NewServer::default()
        }
    }

    /// Makes a server and waits until it runs.
    pub(crate) async fn boot(&self, owner: &Account, server: &NewServer) -> Server {
        let compute = &owner.services.compute;
        let id = compute.server_create(server).await.unwrap();
        self.note(Made::Server(id.clone()));
        compute.server_wait(&id, "ACTIVE", PATIENCE).await.unwrap()
    }

    /// Makes an empty volume of 1 GiB and waits until it is available.
    pub(crate) async fn volume(&self, owner: &Account, volume_type: &str) -> Volume {
        let volume = NewVolume {
            size_gib: 1,
            name: unique("volume"),
            volume_type: Some(volume_type.to_owned()),
            ..NewVolume::default()
        };
        let storage = &owner.services.block_storage;
        let id = storage.volume_create(&volume).await.unwrap().id;
        self.note(Made::Volume(id.clone()));
        storage.volume_wait(&id, "available", PATIENCE).await.unwrap()
    }

    /// The words that `rbd` prints, as the administrator of Ceph.
    pub(crate) fn rbd(&self, arguments: &[&str]) -> String {
        let output = std::process::Command::new("timeout")
            .args(["60", "rbd", "-c"])
            .arg(self.state.join("ceph/etc/ceph.conf"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Removes what was made, as the administrator: servers before what they hold, then the
    /// newest first. Answers why something is left.
    async fn clear(&self) -> Vec<OpenStackError> {
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        let (servers, others): (Vec<_>, Vec<_>) =
            made.into_iter().rev().partition(|thing| matches!(thing, Made::Server(_)));
        let mut left = Vec::new();
        let Services { compute, block_storage, network, .. } = &self.service.services;
        for thing in servers.into_iter().chain(others) {
            let removed: Result<(), OpenStackError> = async {
                match thing {
                    Made::Trust(id) => {
                        let trusts = Trusts::new(self.service.session.clone());
                        trusts.delete(&id).await.expect("what is gone may be deleted");
                        Ok(())
                    }
                    Made::Held(holder) => {
                        for held in block_storage.attachment_list(&holder).await? {
                            block_storage.attachment_delete(&held.id).await?;
                        }
                        Ok(())
                    }
                    Made::Server(id) => {
                        compute.server_delete(&id).await?;
                        compute.server_wait_gone(&id, PATIENCE).await
                    }
                    Made::Volume(id) => {
                        self.settle(&id).await?;
                        block_storage.volume_delete(&id).await?;
                        block_storage.volume_wait_gone(&id, PATIENCE).await
                    }
                    Made::Snapshot(id) => {
                        block_storage.snapshot_delete(&id).await?;
                        block_storage.snapshot_wait_gone(&id, PATIENCE).await
                    }
                    Made::Port(id) => network.port_delete(&id).await,
                }
            }
            .await;
            left.extend(removed.err());
        }
        left
    }

    /// Nova lets go of volumes after the server is gone.
    async fn settle(&self, volume_id: &str) -> Result<(), OpenStackError> {
        let storage = &self.service.services.block_storage;
        match storage.volume_get(volume_id).await {
            Ok(volume) if volume.status != "available" => {
                storage.volume_wait(volume_id, "available", PATIENCE).await.map(|_| ())
            }
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Account {
    async fn of(session: Session) -> Self {
        let options = ClientOptions { interface: Interface::Public, ..ClientOptions::default() };
        let services = Services::new(&session, &same(options));
        let context = session.context().await.expect("the cloud is up");
        let project = ProjectId(context.project.as_ref().unwrap().id.clone());
        Self { session, services, project }
    }

    /// The services asked for so many items at once.
    pub(crate) fn paged(&self, page_size: u32) -> Services {
        let options = ClientOptions { page_size: Some(page_size), ..ClientOptions::default() };
        Services::new(&self.session, &same(options))
    }
}

pub(crate) fn same(options: ClientOptions) -> ServicesOptions {
    ServicesOptions {
        compute: options.clone(),
        block_storage: options.clone(),
        network: options.clone(),
        images: options,
    }
}

/// The session of an openrc file, or of another user and project of the same cloud.
fn session(variables: &BTreeMap<String, String>, other: Option<(&str, &str)>) -> Session {
    let domain = || DomainRef::Name(variables["OS_USER_DOMAIN_NAME"].clone());
    let own = (variables["OS_USERNAME"].as_str(), variables["OS_PROJECT_NAME"].as_str());
    let (user, project) = other.unwrap_or(own);
    let auth = Auth::Password {
        user: UserRef::Name { name: user.to_owned(), domain: domain() },
        password: variables["OS_PASSWORD"].as_str().into(),
        scope: Scope::Project(ProjectRef::Name { name: project.to_owned(), domain: domain() }),
    };
    Session::new(SessionOptions {
        auth_url: variables["OS_AUTH_URL"].clone(),
        auth,
        region_name: Some(variables["OS_REGION_NAME"].clone()),
        interface: Interface::Public,
        http: HttpOptions { timeout: Duration::from_secs(60), ..HttpOptions::default() },
    })
    .unwrap()
}

/// The hypervisor of this one-machine cloud, asked as its agent asks.
struct Libvirt(Arc<LibvirtSource>);

#[async_trait]
impl Hypervisors for Libvirt {
    async fn domain(&self, host: &str, id: InstanceId) -> Result<InstanceDetail, CloudError> {
        assert_eq!(host, "node1", "the cloud has one hypervisor");
        let libvirt = Arc::clone(&self.0);
        let asked = tokio::task::spawn_blocking(move || {
            Ok::<_, firn_agent::SourceError>((libvirt.domain(id)?, libvirt.power_state(id)?))
        });
        match asked.await.unwrap() {
            Ok((domain, power_state)) => {
                let instance = domain.instance(power_state);
                Ok(InstanceDetail { instance, machine: domain.machine, host: None })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(CloudError::NotFound { id }),
            Err(error) => Err(CloudError::InvalidInput { id, source: Box::new(error) }),
        }
    }
}
