//! The files of a configuration: where they are looked for, and what they say together.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::declare::Group;
use crate::error::{Problem, ProblemKind, Source};
use crate::ini;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) source: Source,
}

/// One file, read.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    /// Normal section name and the line where it first stands.
    pub(crate) sections: Vec<(String, usize)>,
    /// By normal section name, then option; every value in the file's order.
    pub(crate) values: BTreeMap<String, BTreeMap<String, Vec<Found>>>,
}

impl File {
    pub(crate) fn get(&self, group: &str, option: &str) -> Option<&[Found]> {
        self.values.get(group)?.get(option).map(Vec::as_slice)
    }
}

/// A file or a folder, in the order of the command line.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(PathBuf),
    Folder(PathBuf),
}

/// A leading `~/` as the home folder.
fn expanded(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// The folders that a project's files may lie in, the first ones first.
fn default_folders(project: &str) -> Vec<PathBuf> {
    let home = std::env::home_dir();
    let own = home.as_ref().map(|home| home.join(format!(".{project}")));
    let etc = Path::new("/etc");
    [own, home, Some(etc.join(project)), Some(etc.to_owned())].into_iter().flatten().collect()
}

/// Where a file that an option names without its folder is looked for: the folders given, those of
/// the files given, the last first, and the default ones.
pub(crate) fn search_folders(project: &str, places: &[Place]) -> Vec<PathBuf> {
    let folders = places.iter().filter_map(|place| match place {
        Place::Folder(path) => Some(expanded(path)),
        Place::File(_) => None,
    });
    let parents = places.iter().rev().filter_map(|place| match place {
        Place::File(path) => expanded(path).parent().map(Path::to_owned),
        Place::Folder(_) => None,
    });
    folders.chain(parents).chain(default_folders(project)).collect()
}

/// Where oslo.config looks when no file is named: the first `<name>.conf` for the project and for
/// the program, and the same with `<name>.conf.d`.
pub(crate) fn default_places(project: &str, program: Option<&str>) -> Vec<Place> {
    let folders = default_folders(project);
    let find = |name: String, is: fn(&Path) -> bool| {
        folders.iter().map(|folder| folder.join(&name)).find(|path| is(path))
    };
    let names: Vec<&str> = std::iter::once(project).chain(program).collect();
    let files = names.iter().filter_map(|name| find(format!("{name}.conf"), Path::is_file));
    let dirs = names.iter().filter_map(|name| find(format!("{name}.conf.d"), Path::is_dir));
    files.map(Place::File).chain(dirs.map(Place::Folder)).collect()
}

/// Reads every place, later ones later in the list.
pub(crate) fn read(places: &[Place], problems: &mut Vec<Problem>) -> Vec<File> {
    let mut files = Vec::new();
    for place in places {
        match place {
            Place::File(path) => files.extend(file(&expanded(path), problems)),
            Place::Folder(path) => {
                for path in folder(&expanded(path), problems) {
                    files.extend(file(&path, problems));
                }
            }
        }
    }
    files
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::error(ProblemKind::Unreadable, format!("cannot be read: {error}"))
        .at(Some(Source::File { path: path.to_owned(), line: 0 }))
}

/// The `*.conf` files of a folder, sorted; hidden ones are left out.
fn folder(path: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let entries: io::Result<Vec<_>> =
        std::fs::read_dir(path).and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect());
    let mut paths = entries.unwrap_or_else(|error| {
        problems.push(unreadable(path, &error));
        Vec::new()
    });
    paths.retain(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name.ends_with(".conf") && !name.starts_with('.'))
    });
    paths.sort();
    paths
}

fn file(path: &Path, problems: &mut Vec<Problem>) -> Option<File> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(unreadable(path, &error));
            return None;
        }
    };
    let document = ini::parse(&text);
    let at = |line| Source::File { path: path.to_owned(), line };
    problems.extend(
        document.errors.iter().map(|error| {
            Problem::error(ProblemKind::Syntax, error.message).at(Some(at(error.line)))
        }),
    );
    let mut sections: Vec<(String, usize)> = Vec::new();
    for section in &document.sections {
        let name = Group::normal(&section.name);
        if !sections.iter().any(|known| known.0 == name) {
            sections.push((name, section.line));
        }
    }
    let mut values: BTreeMap<String, BTreeMap<String, Vec<Found>>> = BTreeMap::new();
    for assignment in document.assignments {
        let found = Found { text: assignment.value, source: at(assignment.line) };
        values
            .entry(Group::normal(&assignment.section))
            .or_default()
            .entry(assignment.key)
            .or_default()
            .push(found);
    }
    Some(File { path: path.to_owned(), sections, values })
}
