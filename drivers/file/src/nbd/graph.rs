use std::os::fd::{AsRawFd, RawFd};

use serde_json::{Value, json};

use crate::chain::{Chain, Part};

/// QEMU's description of the chain, and the files it rests on.
///
/// Every node names its driver and its file by descriptor, and every image its backing node or
/// none: whatever the headers say, QEMU opens nothing else and guesses no format.
pub(crate) fn graph(chain: &Chain) -> (Value, Vec<RawFd>) {
    let mut node = Value::Null;
    for layer in chain.layers.iter().rev() {
        node = match &layer.header {
            None => json!({"driver": "raw", "file": file(&layer.part)}),
            Some(_) => {
                let mut image = json!({
                    "driver": "qcow2",
                    "file": file(&layer.part),
                    "backing": node,
                });
                if let Some(data) = &layer.data {
                    image["data-file"] = file(data);
                }
                image
            }
        };
    }
    (node, chain.parts().map(|part| part.opened.file.as_raw_fd()).collect())
}

fn file(part: &Part) -> Value {
    let driver = if part.opened.block { "host_device" } else { "file" };
    let name = format!("/proc/self/fd/{}", part.opened.file.as_raw_fd());
    json!({"driver": driver, "filename": name, "locking": "auto"})
}
