//! A service on a real SQLite file and the in-process transport, with a conductor that answers
//! questions and runs no jobs. Every answer is held against the OpenAPI document.

mod answer;
mod conductor;
mod document;
mod identity;
mod jobs;
mod trusts;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::test::{TestRequest, init_service, try_call_service};
use chrono::Utc;
use firn_api::policy::OsloPolicy;
use firn_api::{Api, ApiConfig, ApiParts, Delegation, Identity, NoDelegation, StandaloneIdentity};
use firn_core::RepositoryId;
use firn_db::{Database, NewRepository, Page, Scope};
use oslo_messaging::InProcess;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use answer::Answer;
pub(crate) use conductor::{
    BROKEN, DISKLESS, INSTANCE, NONSENSE, OTHER_INSTANCE, Running, UNUSABLE, Wakes,
};
use document::Document;
pub(crate) use identity::{ADMIN, ByToken, DOWN, MEMBER, READER, STRANGER, SYSTEM};
pub(crate) use jobs::job_of;
pub(crate) use trusts::Trusts;

/// What requests are addressed to.
pub(crate) const HOST: &str = "firn.example:8998";

pub(crate) struct Harness {
    pub(crate) api: Api,
    pub(crate) database: Database,
    pub(crate) repository: RepositoryId,
    pub(crate) wakes: Wakes,
    pub(crate) transport: InProcess,
    document: Document,
    conductor: Option<conductor::Running>,
    _folder: TempDir,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        Self::with(ApiConfig::default(), StandaloneIdentity::open()).await
    }

    /// Nobody answers on the conductor's target.
    pub(crate) async fn without_conductor() -> Self {
        let config =
            ApiConfig { conductor_deadline: Duration::from_millis(200), ..ApiConfig::default() };
        let mut harness = Self::with(config, StandaloneIdentity::open()).await;
        harness.conductor.take().unwrap().stop().await;
        harness
    }

    /// Callers are who their tokens say.
    pub(crate) async fn by_token() -> Self {
        Self::with(ApiConfig::default(), ByToken).await
    }

    pub(crate) async fn with(config: ApiConfig, identity: impl Identity + 'static) -> Self {
        Self::with_delegation(config, identity, NoDelegation).await
    }

    pub(crate) async fn with_delegation(
        config: ApiConfig,
        identity: impl Identity + 'static,
        delegation: impl Delegation + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("firn.db").display());
        let database = Database::open(&url).unwrap();
        database.migrate().unwrap();
        let repository = RepositoryId::new();
        database
            .run(move |conn| {
                let new = NewRepository {
                    id: repository,
                    name: "default".to_owned(),
                    url: "file:///var/lib/firn/repository".to_owned(),
                    chunk_bytes: 1 << 20,
                };
                firn_db::repository_create(conn, new, Utc::now())
            })
            .await
            .unwrap();
        let transport = InProcess::new();
        let conductor = conductor::Running::start(&transport).await;
        let wakes = Wakes::start(&transport).await;
        let parts = ApiParts {
            config,
            database: database.clone(),
            transport: Arc::new(transport.clone()),
            identity: Arc::new(identity),
            delegation: Arc::new(delegation),
            policy: Arc::new(OsloPolicy::defaults().unwrap()),
        };
        let api = Api::from_parts(parts).unwrap();
        let document = Document::new();
        let conductor = Some(conductor);
        Self { api, database, repository, wakes, transport, document, conductor, _folder: folder }
    }

    /// Sends a request and checks that its answer is a documented one.
    pub(crate) async fn send(&self, request: Request) -> Answer {
        let (method, path) = (request.method.clone(), request.path.clone());
        let answer = self.send_unchecked(request).await;
        self.document.check(&method, &path, &answer);
        answer
    }

    /// Sends what is no request to the API.
    pub(crate) async fn send_unchecked(&self, request: Request) -> Answer {
        let app = init_service(self.api.app()).await;
        let response = try_call_service(&app, request.build()).await.unwrap();
        Answer::read(response).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::new(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Request::json(Method::POST, path, &body)).await
    }

    /// In the newest microversion.
    pub(crate) async fn latest(&self, request: Request) -> Answer {
        self.send(request.header("openstack-api-version", "instance-backup latest")).await
    }

    /// GET in the newest microversion.
    pub(crate) async fn get_latest(&self, path: &str) -> Answer {
        self.latest(Request::new(Method::GET, path)).await
    }

    /// Asks for a backup of [`INSTANCE`].
    pub(crate) async fn backup(&self) -> Value {
        let body = json!({"restore_point": {"instance_id": INSTANCE, "mode": "full"}});
        let answer = self.post("/v1/restore-points", body).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["restore_point"].clone()
    }

    /// How many points, restores and jobs there are.
    pub(crate) async fn rows(&self) -> (usize, usize, usize) {
        self.database
            .run(|conn| {
                let filter = firn_db::PointFilter::default();
                let points = firn_db::point_list(conn, &Scope::All, &filter, &Page::first(9999))?;
                let filter = firn_db::RestoreFilter::default();
                let restores =
                    firn_db::restore_list(conn, &Scope::All, &filter, &Page::first(9999))?;
                let filter = firn_db::JobFilter::default();
                let jobs = firn_db::job_list(conn, &Scope::All, &filter, &Page::first(9999))?;
                Ok((points.len(), restores.len(), jobs.len()))
            })
            .await
            .unwrap()
    }

    /// Every documented path with its methods, sorted.
    pub(crate) fn documented_methods(&self) -> Vec<(String, Vec<String>)> {
        self.document.methods()
    }
}

/// A request to be sent.
pub(crate) struct Request {
    method: Method,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn json(method: Method, path: &str, body: &Value) -> Self {
        let request = Self::new(method, path).body(body.to_string().into_bytes());
        request.header("content-type", "application/json")
    }

    pub(crate) fn body(self, body: Vec<u8>) -> Self {
        Self { body, ..self }
    }

    pub(crate) fn header(self, name: &'static str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    pub(crate) fn header_bytes(mut self, name: &'static str, value: &[u8]) -> Self {
        let value = HeaderValue::from_bytes(value).unwrap();
        self.headers.push((HeaderName::from_static(name), value));
        self
    }

    /// With this token, in the newest microversion.
    pub(crate) fn token(self, token: &str) -> Self {
        self.header("x-auth-token", token).header("openstack-api-version", "instance-backup latest")
    }

    /// For messages of failed tests.
    pub(crate) fn shown(&self) -> String {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(120).collect();
        let path: String = self.path.chars().take(200).collect();
        format!("{} {path} {:?} {body:?}", self.method, self.headers)
    }

    fn build(self) -> actix_http::Request {
        let mut request = TestRequest::with_uri(&self.path).method(self.method);
        request = request.append_header(("host", HOST));
        for header in self.headers {
            request = request.append_header(header);
        }
        request.set_payload(self.body).to_request()
    }
}
