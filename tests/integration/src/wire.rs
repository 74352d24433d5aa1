use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How soon a silent connection notices that it is cut.
const GLANCE: Duration = Duration::from_millis(50);

/// What processes and a server say to each other runs through it, and can be cut in the middle of a
/// message. It ends with the test's process.
pub struct Wire {
    port: u16,
    cuts: Arc<AtomicUsize>,
}

impl Wire {
    /// A way to a server's port on this machine.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&cuts);
        thread::spawn(move || {
            for client in listener.incoming() {
                let _ = client.and_then(|client| join(client, server, &counted));
            }
        });
        Self { port, cuts }
    }

    /// Where clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends every connection, where bytes are on their way after half of them; new connections are
    /// possible at once.
    pub fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }
}

/// A connection to the server for a client's, and a thread for each direction. Where the server does
/// not answer, the client's ends.
fn join(client: TcpStream, server: u16, cuts: &Arc<AtomicUsize>) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    let born = cuts.load(Ordering::SeqCst);
    for (from, to) in [(&client, &server), (&server, &client)] {
        let (from, to, cuts) = (from.try_clone()?, to.try_clone()?, Arc::clone(cuts));
        from.set_read_timeout(Some(GLANCE))?;
        thread::spawn(move || pump(&from, &to, || cuts.load(Ordering::SeqCst) != born));
    }
    Ok(())
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, is_cut: impl Fn() -> bool) {
    let mut buffer = [0; 16 << 10];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(_) => break,
        };
        if is_cut() {
            let _ = to.write_all(&buffer[..read / 2]);
            break;
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}
