//! The one place that loads foreign code.
#![allow(unsafe_code)] // Loading a library runs it.

use std::path::Path;

use firn_driver_abi as abi;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::LoadError;

/// Loads a library for the life of the process and looks up its entry.
///
/// # Errors
/// Where the dynamic linker refuses it or it has no entry.
pub(crate) fn load(path: &Path) -> Result<abi::EntryFn, LoadError> {
    // SAFETY: loading runs the library's initialisers. Only trusted files get here; that they are
    // sound is what trust means.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|source| refused(path, source))?;
    // SAFETY: the symbol has this type in every library that exports it by our header or SDK; the
    // version it is called with is checked by both sides.
    let entry = unsafe { library.get::<abi::EntryFn>(abi::ENTRY_SYMBOL) }.map(|symbol| *symbol);
    // Never unloaded: threads, thread-locals and static tables of the driver live on.
    std::mem::forget(library);
    entry.map_err(|_| LoadError::NoEntry { path: path.to_path_buf() })
}

fn refused(path: &Path, source: libloading::Error) -> LoadError {
    let text = linker_words(&source);
    // glibc: "libx.so.1: cannot open shared object file: No such file or directory".
    if let Some((library, _)) = text.split_once(": cannot open shared object file")
        && Path::new(library) != path
    {
        return LoadError::MissingDependency {
            path: path.to_path_buf(),
            library: library.trim().to_owned(),
        };
    }
    LoadError::Library { path: path.to_path_buf(), source }
}

fn linker_words(error: &libloading::Error) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}
