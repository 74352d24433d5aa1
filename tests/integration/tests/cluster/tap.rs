//! A way to a server on which everything is heard, to learn what only the service knows.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

type Heard = Arc<Mutex<Vec<u8>>>;

/// Listens until the test's process ends.
pub(crate) struct Tap {
    address: SocketAddr,
    /// One for each direction of each connection.
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Tap {
    /// A way to the server on this port of this machine.
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let hears = Arc::clone(&heard);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
                let ways =
                    [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
                for (from, to) in ways {
                    let heard = Heard::default();
                    hears.lock().unwrap().push(Arc::clone(&heard));
                    thread::spawn(move || pass(from, to, &heard));
                }
            }
        });
        Self { address, heard }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every token that somebody sent or was given.
    pub(crate) fn tokens(&self) -> BTreeSet<String> {
        let mut tokens = BTreeSet::new();
        for heard in self.heard.lock().unwrap().iter() {
            let heard = heard.lock().unwrap();
            for (name, value) in String::from_utf8_lossy(&heard).lines().filter_map(header) {
                if ["x-auth-token", "x-subject-token"].contains(&name.as_str()) {
                    tokens.insert(value);
                }
            }
        }
        tokens
    }
}

fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), value.trim().to_owned()))
}

fn pass(mut from: TcpStream, mut to: TcpStream, heard: &Heard) {
    let mut part = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut part) {
        heard.lock().unwrap().extend_from_slice(&part[..read]);
        if to.write_all(&part[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
