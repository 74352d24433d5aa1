use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A server of one test alone; stopped and removed when dropped, or when the test dies.
pub struct Server {
    name: String,
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    info: Value,
}

impl Server {
    /// Starts one and waits until it is ready.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    /// Starts one with settings, each `group.option=value`; what they mean is the server's own.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with(name: &str, settings: &[&str]) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is in a folder");
        let mut process = Command::new("python3")
            .args(["-m", "ground", "serve", name])
            .args(settings)
            .env("PYTHONPATH", tests)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut server =
            Self { name: name.to_owned(), process, orders, answers, info: Value::Null };
        server.info = server.answer();
        server
    }

    /// How to reach it.
    pub fn info(&self) -> &Value {
        &self.info
    }

    /// A text of [`Server::info`].
    ///
    /// # Panics
    /// When there is none of this name.
    pub fn text(&self, key: &str) -> &str {
        match self.info[key].as_str() {
            Some(text) => text,
            None => panic!("{} has no {key}: {}", self.name, self.info),
        }
    }

    /// Ends it by SIGKILL.
    pub fn kill(&mut self) {
        self.order("kill");
    }

    /// Ends it as an administrator does.
    pub fn stop(&mut self) {
        self.order("stop");
    }

    /// Starts it again on the same ports and data, and waits until it is ready.
    pub fn start_again(&mut self) {
        self.order("start");
    }

    /// It stays connected and does nothing (SIGSTOP).
    pub fn freeze(&mut self) {
        self.order("freeze");
    }

    /// It goes on (SIGCONT).
    pub fn thaw(&mut self) {
        self.order("thaw");
    }

    fn order(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("only dropping takes it");
        writeln!(orders, "{order}")
            .unwrap_or_else(|error| panic!("{} does not obey: {error}", self.name));
        assert_eq!(self.answer()["done"], order);
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        assert!(
            read.is_ok_and(|bytes| bytes > 0),
            "the {} server did not start or died; what it said is above",
            self.name
        );
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input tells it to stop and clean up.
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}
