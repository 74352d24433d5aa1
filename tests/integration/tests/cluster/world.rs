use std::process::Command;

use firn_ground::Server;
use firn_integration_tests::{
    Api, Backing, Change, Cluster, Format, Ground, Keystone, MIB, Machine, User, Wire,
};
use serde_json::Value;

/// The conductors of a whole cluster.
pub(crate) const CONDUCTORS: [&str; 2] = ["conductor-1", "conductor-2"];

/// A database engine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    MariaDb,
    PostgreSql,
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb",
            Self::PostgreSql => "postgresql",
        }
    }

    /// A new database on a server; gives its URL as operators write it.
    pub(crate) fn database(self, server: &Value) -> String {
        let name = format!("firn_{}", uuid::Uuid::new_v4().simple());
        let (port, password) = (server["port"].to_string(), server["password"].as_str().unwrap());
        let mut client = match self {
            Self::MariaDb => {
                let mut client = Command::new("mariadb");
                client.args(["--no-defaults", "-h", "127.0.0.1", "-P", &port, "-u", "root"]);
                client.env("MYSQL_PWD", password).arg("-e");
                client.arg(format!("create database {name} character set utf8mb4"));
                client
            }
            Self::PostgreSql => {
                let mut client = Command::new("psql");
                client.args(["-q", "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-c"]);
                client.env("PGPASSWORD", password).arg(format!("create database {name}"));
                client
            }
        };
        assert!(client.status().unwrap().success(), "{} makes no database", self.name());
        let url = server["url"].as_str().unwrap();
        match self {
            Self::MariaDb => {
                let url = url.replacen("mysql://", "mysql+pymysql://", 1);
                format!("{url}/{name}?charset=utf8mb4")
            }
            Self::PostgreSql => format!("{url}/{name}"),
        }
    }
}

/// A cluster and two projects with a user each. What is declared first ends first.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) keystone: Keystone,
    pub(crate) broker: Server,
    /// Between the cluster's processes and the broker.
    pub(crate) wire: Wire,
    /// A member of a project.
    pub(crate) alice: User,
    /// A member of another one.
    pub(crate) bob: User,
    pub(crate) backing: Backing,
    pub(crate) ground: Ground,
}

impl World {
    /// API, two conductors and an agent on shared servers and a broker of its own.
    pub(crate) fn start() -> Self {
        let mut world = Self::prepare(Engine::MariaDb, &firn_ground::shared("mariadb"), "");
        world.start_all();
        world
    }

    /// The same on this database server, with more configuration; nothing runs yet.
    pub(crate) fn prepare(engine: Engine, server: &Value, more: &str) -> Self {
        Self::prepare_with(&firn_ground::shared("keystone"), engine, server, more)
    }

    /// The same on this Keystone.
    pub(crate) fn prepare_with(
        keystone: &Value,
        engine: Engine,
        server: &Value,
        more: &str,
    ) -> Self {
        let ground = Ground::new();
        let broker = Server::start("rabbitmq");
        let keystone = Keystone::new(keystone);
        let mut backing = Backing::new(&keystone, engine.database(server), broker.info());
        let port = &broker.info()["port"];
        let wire = Wire::to(u16::try_from(port.as_u64().unwrap()).unwrap());
        backing.broker =
            backing.broker.replace(&format!(":{port}/"), &format!(":{}/", wire.port()));
        backing.more = more.to_owned();
        let member = |name: &str| {
            let name = format!("{name}-{}", uuid::Uuid::new_v4());
            let project = keystone.project(&name);
            keystone.user(&name, &project, "member")
        };
        let (alice, bob) = (member("alice"), member("bob"));
        let cluster = Cluster::new(&ground, &backing);
        Self { cluster, keystone, broker, wire, alice, bob, backing, ground }
    }

    pub(crate) fn start_all(&mut self) {
        for name in CONDUCTORS {
            self.cluster.start_conductor(name);
        }
        self.cluster.start_agent("agent-1");
        self.cluster.start_api();
    }

    /// How often a conductor took a job into its hands, by their logs.
    pub(crate) fn claims(&self, job: &str) -> usize {
        let logs = CONDUCTORS.map(|name| self.cluster.log(name));
        let lines = logs.iter().flat_map(|log| log.lines());
        lines.filter(|line| line.contains(job) && line.contains("job claimed")).count()
    }

    /// The API as a user sees it.
    pub(crate) fn api(&self, user: &User) -> Api {
        self.cluster.api(&self.keystone.token(user))
    }

    /// A server of a user's project with one disk of some MiB.
    pub(crate) fn machine(&self, user: &User, name: &str, seed: u64) -> Machine {
        let content = Change::mixed(4 * MIB, seed);
        Machine::new(&self.ground, name)
            .owned_by(&user.project)
            .disk(&self.ground, "vda", Format::Raw, 4 * MIB, &content)
            .define()
    }
}
