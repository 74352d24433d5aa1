use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use firn_driver_sdk::ExtentList;
use serde_json::{Value, json};

/// The process of `peer.py`; ends when dropped.
pub(crate) struct Peer {
    process: RefCell<Child>,
    pipes: RefCell<(Option<ChildStdin>, BufReader<ChildStdout>)>,
    folder: tempfile::TempDir,
}

impl Peer {
    pub(crate) fn new(cluster: &Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/peer.py");
        // Debian's bindings are for Debian's Python.
        let mut process = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(cluster["conf"].as_str().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pipes = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        Self { process: RefCell::new(process), pipes: RefCell::new(pipes), folder }
    }

    pub(crate) fn order(&self, order: Value) -> Value {
        self.try_order(&order).unwrap_or_else(|error| panic!("{order}: {error}"))
    }

    pub(crate) fn try_order(&self, order: &Value) -> Result<Value, String> {
        let mut pipes = self.pipes.borrow_mut();
        let (orders, answers) = &mut *pipes;
        writeln!(orders.as_mut().unwrap(), "{order}").unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).map_err(|_| "it died".to_owned())?;
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["ok"].clone()),
        }
    }

    /// A command for the monitors.
    pub(crate) fn command(&self, mut command: Value) -> Value {
        command["do"] = json!("command");
        self.order(command)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("content")
    }

    /// Writes these parts of `content` to the same places.
    pub(crate) fn write_parts(&self, image: &str, content: &[u8], parts: &ExtentList) {
        fs::write(self.file(), content).unwrap();
        let pieces: Vec<_> = parts.as_slice().iter().map(|one| (one.offset, one.length)).collect();
        self.order(json!({"do": "write", "image": image, "file": self.file(), "pieces": pieces}));
    }

    pub(crate) fn write(&self, image: &str, offset: u64, data: &[u8]) {
        fs::write(self.file(), data).unwrap();
        let order =
            json!({"do": "write_at", "image": image, "offset": offset, "file": self.file()});
        self.order(order);
    }

    pub(crate) fn read(&self, image: &str, snapshot: Option<&str>) -> Vec<u8> {
        let file = self.file();
        self.order(json!({"do": "read", "image": image, "file": file, "snapshot": snapshot}));
        fs::read(file).unwrap()
    }

    /// One of librbd's calls on snapshots.
    pub(crate) fn snapshot(&self, image: &str, call: &str, names: &[&str]) {
        let list: Vec<_> = [image, call].into_iter().chain(names.iter().copied()).collect();
        self.order(json!({"do": "snapshot", "list": list}));
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.pipes.borrow_mut().0.take());
        let _ = self.process.borrow_mut().wait();
    }
}
