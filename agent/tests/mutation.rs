//! Whatever happens to a domain XML: no panic, and what is accepted keeps the promises.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in the tests' helpers

use std::fs;
use std::path::{Component, Path, PathBuf};

use firn_agent::Domain;
use firn_core::{DiskKind, DiskLocation};
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn fixtures() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One change to a text.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Cut(Index, Index),
    Insert(Index, &'static str),
    Repeat(Index, Index),
    Truncate(Index),
    /// Most lines of the fixtures are whole elements, so these often leave a document.
    DropLine(Index),
    MoveLine(Index, Index),
    RepeatLine(Index),
    /// Another value for an attribute.
    Value(Index, &'static str),
}

/// Values, good somewhere and bad elsewhere.
const VALUES: &[&str] = &[
    "",
    "vda",
    "vdb",
    "sda",
    "VDA",
    "../x",
    "/x",
    "/x/../y",
    "x",
    "file",
    "block",
    "network",
    "volume",
    "rbd",
    "nbd",
    "iscsi",
    "disk",
    "cdrom",
    "floppy",
    "lun",
    "raw",
    "qcow2",
    "vmdk",
    "pool/image",
    "a/b/c",
    "0",
    "1",
    "4294967295",
    "-1",
    "hd",
    "unix",
    "pflash",
    "yes",
    "scsi",
];

/// Pieces that matter to the reader.
const PIECES: &[&str] = &[
    "<",
    ">",
    "/>",
    "'",
    "\"",
    "&",
    "&amp;",
    "&#0;",
    "&#x41;",
    "&x;",
    "<!DOCTYPE a>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "\0",
    "\u{fffe}",
    "é",
    "..",
    "/",
    "<disk>",
    "</disk>",
    "<source/>",
    "<target dev='vda'/>",
    "<backingStore type='file'>",
    "</backingStore>",
    " type='network'",
    " protocol='rbd'",
    "xmlns:nova='urn:x'",
    "nova:",
    "<boot order='1'/>",
    "-1",
    "99999999999",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Flip(at, byte)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::Cut(a, b)),
        1 => (any::<Index>(), select(PIECES)).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::Repeat(a, b)),
        1 => any::<Index>().prop_map(Mutation::Truncate),
        4 => any::<Index>().prop_map(Mutation::DropLine),
        4 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::MoveLine(a, b)),
        4 => any::<Index>().prop_map(Mutation::RepeatLine),
        16 => (any::<Index>(), select(VALUES)).prop_map(|(at, value)| Mutation::Value(at, value)),
    ]
}

fn apply(xml: &mut Vec<u8>, mutation: &Mutation) {
    let at = |index: &Index, xml: &Vec<u8>| index.index(xml.len() + 1);
    match mutation {
        Mutation::Flip(place, byte) => {
            let place = place.index(xml.len().max(1));
            if let Some(old) = xml.get_mut(place) {
                *old = *byte;
            }
        }
        Mutation::Cut(a, b) => {
            let (a, b) = (at(a, xml), at(b, xml));
            // Short cuts leave more to read.
            xml.drain(a.min(b)..a.max(b).min(a.min(b) + 200));
        }
        Mutation::Insert(place, piece) => {
            let place = at(place, xml);
            xml.splice(place..place, piece.bytes());
        }
        Mutation::Repeat(a, b) => {
            let (a, b) = (at(a, xml), at(b, xml));
            let part = xml[a.min(b)..a.max(b)].to_vec();
            xml.splice(a..a, part);
        }
        Mutation::Truncate(place) => {
            let place = at(place, xml);
            xml.truncate(place);
        }
        Mutation::DropLine(line) => {
            edit_lines(xml, |lines| {
                lines.remove(line.index(lines.len()));
            });
        }
        Mutation::MoveLine(from, to) => edit_lines(xml, |lines| {
            let line = lines.remove(from.index(lines.len()));
            lines.insert(to.index(lines.len() + 1), line);
        }),
        Mutation::RepeatLine(line) => edit_lines(xml, |lines| {
            let line = line.index(lines.len());
            lines.insert(line, lines[line].clone());
        }),
        Mutation::Value(place, value) => {
            let quotes: Vec<usize> = (0..xml.len()).filter(|at| xml[*at] == b'\'').collect();
            if let Some(pair) = quotes.chunks_exact(2).nth(place.index(quotes.len() / 2 + 1)) {
                xml.splice(pair[0] + 1..pair[1], value.bytes());
            }
        }
    }
}

fn edit_lines(xml: &mut Vec<u8>, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut lines: Vec<Vec<u8>> = xml.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    edit(&mut lines);
    *xml = lines.join(&b'\n');
}

/// What callers rely on, whatever the XML said.
fn check(domain: &Domain) {
    let mut devices: Vec<&String> = domain.disks.iter().map(|disk| &disk.device).collect();
    devices.extend(domain.left_out.iter().map(|out| &out.device));
    let count = devices.len();
    for device in &devices {
        assert!(!device.is_empty() && device.len() <= 32, "{device:?}");
        assert!(device.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{device:?}");
    }
    devices.sort();
    devices.dedup();
    assert_eq!(devices.len(), count, "two disks of one name");
    assert!(!domain.name.is_empty());
    for disk in &domain.disks {
        let paths: Vec<&PathBuf> = match &disk.location {
            DiskLocation::File { path, backing, .. } => {
                backing.iter().map(|file| &file.path).chain([path]).collect()
            }
            DiskLocation::Block { path, .. } => vec![path],
            _ => Vec::new(),
        };
        for path in paths {
            assert!(path.is_absolute(), "{path:?}");
            assert!(!path.components().any(|part| part == Component::ParentDir), "{path:?}");
        }
    }
    let roots = domain.disks.iter().filter(|disk| disk.kind == DiskKind::Root).count();
    let candidates = domain.disks.iter().any(|disk| disk.kind == DiskKind::Volume);
    assert!(roots <= 1, "{roots} roots");
    assert!(roots == 1 || !candidates, "a machine with disks and no root");
    let again = Domain::parse(domain.xml.as_bytes()).expect("its own XML is readable");
    assert_eq!(again.disks, domain.disks);
    assert_eq!(again.xml, domain.xml);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn mutated_fixtures(
        xml in select(fixtures()),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let mut xml = xml;
        for mutation in &mutations {
            apply(&mut xml, mutation);
        }
        if let Ok(domain) = Domain::parse(&xml) {
            check(&domain);
        }
    }

    #[test]
    fn text_made_of_pieces(pieces in prop::collection::vec(select(PIECES), 0..60)) {
        let xml = format!("<domain type='kvm'>{}</domain>", pieces.concat());
        if let Ok(domain) = Domain::parse(xml.as_bytes()) {
            check(&domain);
        }
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Domain::parse(&bytes);
    }
}

#[test]
fn fixtures_keep_the_promises() {
    for xml in fixtures() {
        check(&Domain::parse(&xml).unwrap());
    }
}
