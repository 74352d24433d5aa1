use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

/// Stands between a client and a broker and can cut what runs through it.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    cut: broadcast::Sender<()>,
    open: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, _) = broadcast::channel(1);
        let open = Arc::new(AtomicBool::new(true));
        let accepting = tokio::spawn({
            let (cut, open) = (cut.clone(), Arc::clone(&open));
            async move {
                loop {
                    let (mut client, _) = listener.accept().await.unwrap();
                    if !open.load(Ordering::SeqCst) {
                        continue;
                    }
                    let mut cut = cut.subscribe();
                    tokio::spawn(async move {
                        let Ok(mut broker) = TcpStream::connect(("127.0.0.1", to)).await else {
                            return;
                        };
                        tokio::select! {
                            _ = tokio::io::copy_bidirectional(&mut client, &mut broker) => {}
                            _ = cut.recv() => {}
                        }
                    });
                }
            }
        });
        Self { port, cut, open, accepting }
    }

    /// Ends every connection; new ones are possible.
    pub(crate) fn cut(&self) {
        let _ = self.cut.send(());
    }

    /// Ends every connection, and lets no new one through.
    pub(crate) fn shut(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.cut();
    }

    /// Lets connections through again.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
