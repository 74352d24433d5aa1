//! What systemd is told: the services' units are `Type=notify` with a watchdog.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use firn_integration_tests::until;

use crate::world::{Engine, World};

/// A sign of life is due at least that often.
const WATCHDOG: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// systemd's end of the socket.
struct Systemd {
    socket: PathBuf,
    told: Arc<Mutex<Vec<String>>>,
}

impl Systemd {
    fn listen(folder: &Path, name: &str) -> Self {
        let path = folder.join(format!("{name}.notify"));
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let listens = Arc::downgrade(&told);
        // All the time: the socket holds few messages, and whoever sends one more has to wait.
        thread::spawn(move || {
            let mut message = [0; 4096];
            while let Some(told) = listens.upgrade() {
                if let Ok(bytes) = socket.recv(&mut message) {
                    let text = String::from_utf8_lossy(&message[..bytes]);
                    told.lock().unwrap().extend(text.lines().map(str::to_owned));
                }
            }
        });
        Self { socket: path, told }
    }

    fn count(&self, line: &str) -> usize {
        self.told.lock().unwrap().iter().filter(|told| *told == line).count()
    }

    fn wait(&self, line: &str, times: usize, limit: Duration) {
        until(&format!("{line} was told {times} times"), limit, || {
            (self.count(line) >= times).then_some(())
        });
    }
}

#[test]
fn systemd_is_told_of_start_life_and_end() {
    let mut world = World::prepare(Engine::MariaDb, &firn_ground::shared("mariadb"), "");
    for name in ["conductor-1", "agent-1", "api"] {
        let systemd = Systemd::listen(world.ground.path(), name);
        world.cluster.notify(&systemd.socket, WATCHDOG);
        match name {
            "api" => world.cluster.start_api(),
            "agent-1" => world.cluster.start_agent(name),
            _ => world.cluster.start_conductor(name),
        }
        systemd.wait("READY=1", 1, PATIENCE);
        let before = systemd.count("WATCHDOG=1");
        systemd.wait("WATCHDOG=1", before + 4, PATIENCE);
        assert_eq!(systemd.count("STOPPING=1"), 0, "{name}: {:?}", systemd.told);

        let status = world.cluster.stop(name, PATIENCE);
        assert!(status.success(), "{name}: {status}");
        systemd.wait("STOPPING=1", 1, PATIENCE);
        let told = systemd.told.lock().unwrap();
        let words: Vec<_> = told.iter().filter(|line| line.ends_with("=1")).collect();
        let states: Vec<_> = words.into_iter().filter(|line| *line != "WATCHDOG=1").collect();
        assert_eq!(states, ["READY=1", "STOPPING=1"], "{name}: {told:?}");
        // Each with words for whoever asks systemctl.
        assert_eq!(told.iter().filter(|line| line.starts_with("STATUS=")).count(), 2, "{told:?}");
    }
}
