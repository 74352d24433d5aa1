use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use firn_cloud::openstack::ClientOptions;
use keystone_middleware_rs::{
    Auth, HttpOptions, Interface, ProjectRef, Scope, Session, SessionOptions, UserRef,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const TOKEN: &str = "gAAAAA-the-sessions-token";
/// That of sessions that act by a trust.
pub(crate) const TRUST_TOKEN: &str = "gAAAAA-the-trusts-token";

/// One answer of the script.
#[derive(Clone)]
pub(crate) enum Scripted {
    /// Status line and headers, then the body.
    Answer(String, String),
    /// The connection is closed instead.
    Close,
    /// Nothing ever comes.
    Hang,
}

impl Scripted {
    pub(crate) fn json(status: &str, body: &Value) -> Self {
        Self::Answer(status.to_owned(), body.to_string())
    }

    pub(crate) fn ok(body: &Value) -> Self {
        Self::json("200 OK", body)
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    head: String,
    pub(crate) body: String,
}

impl Seen {
    /// The path, without the query.
    pub(crate) fn path(&self) -> &str {
        let target = self.line.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A cloud of one port: Keystone lets everybody in, Nova and Cinder tell their versions, and everything else is
/// answered by the script, in order; past its end with 500.
pub(crate) struct Cloud {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    script: VecDeque<Scripted>,
    versions: Scripted,
    /// The answer of each path, instead of a script.
    paths: Option<BTreeMap<String, Scripted>>,
    seen: Vec<Seen>,
    logins: usize,
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Scripted {
        let Some(paths) = &self.paths else {
            let past = || Scripted::json("500 Internal Server Error", &json!({}));
            return self.script.pop_front().unwrap_or_else(past);
        };
        let absent = || Scripted::json("404 Not Found", &json!({}));
        paths.get(seen.path()).cloned().unwrap_or_else(absent)
    }
}

impl Cloud {
    pub(crate) async fn of(script: impl IntoIterator<Item = Scripted>) -> Self {
        let versions = json!({"version": {"id": "v2.1", "min_version": "2.1", "version": "2.93"}});
        Self::with_versions(Scripted::ok(&versions), script).await
    }

    pub(crate) async fn with_versions(
        versions: Scripted,
        script: impl IntoIterator<Item = Scripted>,
    ) -> Self {
        Self::start(versions, script.into_iter().collect(), None).await
    }

    /// One for questions that are asked at once and come in any order: each path has its answer,
    /// and every other is not found. Nova speaks up to `nova`.
    pub(crate) async fn of_paths(
        nova: &str,
        paths: impl IntoIterator<Item = (String, Value)>,
    ) -> Self {
        let version = json!({"id": "v2.1", "min_version": "2.1", "version": nova});
        let paths = paths.into_iter().map(|(path, body)| (path, Scripted::ok(&body))).collect();
        let versions = Scripted::ok(&json!({ "version": version }));
        Self::start(versions, VecDeque::new(), Some(paths)).await
    }

    async fn start(
        versions: Scripted,
        script: VecDeque<Scripted>,
        paths: Option<BTreeMap<String, Scripted>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State { script, versions, paths, seen: Vec::new(), logins: 0 };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, port, Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    pub(crate) fn session(&self) -> Session {
        let auth = Auth::Password {
            user: UserRef::Id("u".to_owned()),
            password: "hunter2".into(),
            scope: Scope::Project(ProjectRef::Id("p1".to_owned())),
        };
        Session::new(SessionOptions {
            auth_url: format!("http://127.0.0.1:{}", self.port),
            auth,
            region_name: None,
            interface: Interface::Internal,
            http: HttpOptions::default(),
        })
        .unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What came besides logins and questions about versions.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    pub(crate) fn logins(&self) -> usize {
        self.state.lock().unwrap().logins
    }
}

pub(crate) fn patient() -> ClientOptions {
    ClientOptions { deadline: Duration::from_secs(30), ..ClientOptions::default() }
}

/// Only a cloud `of_paths` has all services.
fn login(port: u16, seen: &Seen, of_paths: bool) -> Scripted {
    let token = if seen.body.contains("OS-TRUST:trust") { TRUST_TOKEN } else { TOKEN };
    let service = |kind: &str, path: &str| {
        let endpoint = json!({"id": "e", "interface": "internal", "region": "R", "region_id": "R",
            "url": format!("http://127.0.0.1:{port}{path}")});
        json!({"id": kind, "type": kind, "name": kind, "endpoints": [endpoint]})
    };
    let mut catalog =
        vec![service("compute", "/compute/v2.1"), service("volumev3", "/volume/v3/p1")];
    if of_paths {
        catalog.extend([service("network", "/network"), service("image", "/image")]);
    }
    let domain = json!({"id": "d", "name": "D"});
    let body = json!({"token": {
        "user": {"id": "u", "name": "n", "domain": domain},
        "project": {"id": "p1", "name": "p", "domain": domain},
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "catalog": catalog,
    }});
    Scripted::json(&format!("201 Created\r\nX-Subject-Token: {token}"), &body)
}

async fn serve(mut client: TcpStream, port: u16, state: Arc<Mutex<State>>) {
    let Some(seen) = read(&mut client).await else { return };
    let answer = {
        let mut state = state.lock().unwrap();
        if seen.line.starts_with("POST /v3/auth/tokens ") {
            state.logins += 1;
            login(port, &seen, state.paths.is_some())
        } else if seen.line.starts_with("GET /compute/v2.1/ ") {
            state.versions.clone()
        } else if seen.line.starts_with("GET /volume/v3/ ") {
            let version = json!({"id": "v3.0", "min_version": "3.0", "version": "3.70"});
            Scripted::ok(&json!({"versions": [version]}))
        } else {
            let answer = state.answer(&seen);
            state.seen.push(seen);
            answer
        }
    };
    match answer {
        Scripted::Answer(status, body) => {
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = client.write_all(text.as_bytes()).await;
            let _ = client.shutdown().await;
        }
        Scripted::Close => {}
        Scripted::Hang => std::future::pending().await,
    }
}

/// A request with its whole body, so that closing does not reset the connection.
async fn read(client: &mut TcpStream) -> Option<Seen> {
    let mut request = Vec::new();
    loop {
        let end = request.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&request[..end]).into_owned();
            let line = head.lines().next().unwrap_or_default().to_owned();
            let mut seen = Seen { line, head, body: String::new() };
            let length = seen.header("content-length").map_or(0, |text| text.parse().unwrap());
            if request.len() >= end + 4 + length {
                seen.body = String::from_utf8_lossy(&request[end + 4..]).into_owned();
                return Some(seen);
            }
        }
        if client.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
}
