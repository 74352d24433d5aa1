//! Reads what lies uncompressed in the files of a chain straight from them: one copy instead of
//! three, and no turn to another process. Everything that is not plainly so is left to QEMU.

use std::fs::File;
use std::os::unix::fs::FileExt;

use firn_driver_sdk::ReadRequest;

use crate::chain::{Chain, Layer};
use crate::qcow2::{Cluster, Table};

/// Where the clusters of each image lie; empty where the whole chain is left to QEMU.
#[derive(Debug)]
pub(crate) struct Direct {
    tables: Vec<Option<Table>>,
}

/// What a run of bytes comes from.
#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    File(&'a File, u64),
    Zero,
    Qemu,
}

impl Direct {
    /// Loads the first-level tables.
    pub(crate) fn new(chain: &Chain) -> Self {
        let table = |layer: &Layer| Table::new(&layer.part.opened.file, layer.header.as_ref()?);
        Self { tables: chain.layers.iter().map(table).collect() }
    }

    /// Fills what can be read directly and gives back the rest.
    pub(crate) fn read<'b>(
        &self,
        chain: &Chain,
        request: ReadRequest<'b>,
        rest: &mut Vec<ReadRequest<'b>>,
    ) {
        let ReadRequest { mut offset, mut buffer } = request;
        while !buffer.is_empty() {
            let (source, length) = self.run(chain, offset, buffer.len() as u64);
            let (part, after) = buffer.split_at_mut(length as usize);
            match source {
                Source::Zero => part.fill(0),
                // Whatever is wrong, QEMU decides what it means.
                Source::File(file, at) if file.read_exact_at(part, at).is_ok() => {}
                Source::File(..) | Source::Qemu => rest.push(ReadRequest { offset, buffer: part }),
            }
            buffer = after;
            offset += length;
        }
    }

    /// The source of the bytes from `offset` on, and how many of `limit` it holds for.
    fn run<'a>(&self, chain: &'a Chain, offset: u64, limit: u64) -> (Source<'a>, u64) {
        let (first, mut length) = self.piece(chain, offset, limit);
        while length < limit {
            let (next, more) = self.piece(chain, offset + length, limit - length);
            let joined = match (first, next) {
                (Source::File(a, at), Source::File(b, next)) => {
                    std::ptr::eq(a, b) && at.checked_add(length) == Some(next)
                }
                (Source::Zero, Source::Zero) | (Source::Qemu, Source::Qemu) => true,
                _ => false,
            };
            if !joined {
                break;
            }
            length += more;
        }
        (first, length)
    }

    /// The same within one cluster of each image.
    fn piece<'a>(&self, chain: &'a Chain, offset: u64, limit: u64) -> (Source<'a>, u64) {
        let mut length = limit;
        for (layer, table) in chain.layers.iter().zip(&self.tables) {
            let file = &layer.part.opened.file;
            let Some(header) = &layer.header else {
                // A raw file, the last of the chain; past its end are zeros.
                let size = layer.part.identity.size_bytes;
                if layer.part.opened.block || offset + length > size {
                    return (Source::Qemu, length);
                }
                return (Source::File(file, offset), length);
            };
            let Some(table) = table else { return (Source::Qemu, length) };
            length = length.min(table.cluster_bytes() - offset % table.cluster_bytes());
            // A smaller backing image: what lies past its end is not ours to judge.
            if offset + length > header.size_bytes {
                return (Source::Qemu, length);
            }
            match table.cluster(file, offset) {
                Cluster::Data(at) => {
                    return (Source::File(file, at + offset % table.cluster_bytes()), length);
                }
                Cluster::Zero => return (Source::Zero, length),
                Cluster::Other => return (Source::Qemu, length),
                Cluster::Unallocated => {}
            }
        }
        (Source::Zero, length)
    }
}
