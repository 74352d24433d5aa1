use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// What the file system that holds `path` was mounted from (`/dev/vda2`, `server:/export`); where
/// that is no name of a place (`tmpfs`), the mount point.
pub(crate) fn source_of(path: &Path) -> String {
    let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
    search(&table, path)
}

fn search(table: &[u8], path: &Path) -> String {
    let mut best: Option<(PathBuf, String)> = None;
    for line in table.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b' ');
        let Some(point) = fields.nth(4).map(plain) else { continue };
        // After a lone dash: type, source, options.
        let Some(source) = fields.skip_while(|field| *field != b"-").nth(2) else { continue };
        // Of two mounts on one point the later one is seen.
        let longer =
            best.as_ref().is_none_or(|(best, _)| point.as_os_str().len() >= best.as_os_str().len());
        if path.starts_with(&point) && longer {
            let source = plain(source).to_string_lossy().into_owned();
            best = Some((point, source));
        }
    }
    match best {
        Some((_, source)) if source.contains('/') => source,
        Some((point, _)) => point.to_string_lossy().into_owned(),
        None => "/".into(),
    }
}

/// Undoes the octal escapes of the kernel's table.
fn plain(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = (*first == b'\\').then(|| after.get(..3)).flatten();
        let code = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts() {
        let table = b"21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda2 rw\n\
            30 21 0:40 / /srv rw - tmpfs tmpfs rw\n\
            31 30 0:41 / /srv/my\\040disks rw shared:2 master:1 - nfs4 nas:/export/vm rw\n";
        let of = |path: &str| search(table, Path::new(path));
        assert_eq!(of("/var/lib/x"), "/dev/vda2");
        assert_eq!(of("/srv/x"), "/srv");
        assert_eq!(of("/srv/my disks/x"), "nas:/export/vm");
        assert_eq!(of("/srvx"), "/dev/vda2");
        assert!(!source_of(Path::new("/proc/self")).is_empty());
    }
}
