//! The generated sample.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and nobody uses its types"
)]

use oslo_config::{Group, Loader, committed_sample_is_current, sample};

oslo_config::options! {
    /// The first paragraph of the group's help, which is long enough to be wrapped at the width of
    /// the file.
    ///
    /// - a list
    /// - of two
    struct One in "one" {
        /// What it is for.
        ///
        /// And more.
        number: u32 = 20, min 1, max 100;
        /// Old.
        renamed: bool = true, deprecated "old", deprecated "other.older";
        /// Hidden.
        password: String, secret;
        /// Several.
        many: Vec<String> = ["a", "b"], multi;
        /// None.
        nothing: Option<String>;
        /// Depends.
        host: String = "x", sample "<hostname>";
        /// Blank.
        blank: String = " x ";
        /// Choice.
        choice: String = "a", choices ["a", "b"];
        /// Empty.
        list: Vec<String>;
    }
}

oslo_config::options! {
    struct Top in "DEFAULT" {
        /// Path.
        path: std::path::PathBuf = "/x";
    }
}

const EXPECTED: &str = "\
[DEFAULT]

# Path. (path)
#path = /x


[one]

# The first paragraph of the group's help, which is long enough to be
# wrapped at the width of the file.
#
# - a list
# - of two

# What it is for.
#
# And more. (integer value)
# Minimum value: 1
# Maximum value: 100
#number = 20

# Old. (boolean value)
# Deprecated name: old
# Deprecated name: [other]/older
#renamed = true

# Hidden. (string value)
# Required: there is no default
#password = <None>

# Several. (multi valued)
#many = a
#many = b

# None. (string value)
#nothing = <None>

# Depends. (string value)
#host = <hostname>

# Blank. (string value)
#blank = \" x \"

# Choice. (string value)
# Possible values: a, b
#choice = a

# Empty. (list value)
#list =


[driver:*]

# Anything.

# The options depend on what the section is for.
";

fn groups() -> Vec<Group> {
    let open = Group::open("driver:*", &[" Anything."]);
    vec![One::group(), Top::group(), open, Group::open_listed_in("one", "list")]
}

#[test]
fn the_sample() {
    assert_eq!(sample(&groups()), EXPECTED);
}

/// Every commented default is a value that the option takes, and the one it has anyway.
#[test]
fn the_defaults_shown_are_the_defaults() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text: String = sample(&groups())
        .replace("[driver:*]", "[driver:x]")
        .lines()
        .filter(|line| !line.starts_with("# ") && *line != "#" && !line.contains('<'))
        .map(|line| format!("{}\n", line.trim_start_matches('#')))
        .collect();
    std::fs::write(file.path(), text).unwrap();
    let bare = Loader::new("none").default_files(false).environment(Vec::new());
    let bare = bare.set("one", "password", "x");
    let read = bare.clone().files([file.path()]).load(&groups()).unwrap();
    assert_eq!(read.warnings(), []);
    let changes = read.changes(&bare.load(&groups()).unwrap());
    assert_eq!(changes, []);
}

#[test]
fn a_stale_sample_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firn.conf.sample");
    let text = sample(&groups());
    let error = committed_sample_is_current(&path, &text).unwrap_err().to_string();
    assert!(error.contains("UPDATE_SAMPLES=1"), "{error}");
    std::fs::write(&path, text.replace("number = 20", "number = 21")).unwrap();
    let error = committed_sample_is_current(&path, &text).unwrap_err().to_string();
    assert!(error.contains("is stale from line 20: it should be \"#number = 20\""), "{error}");
    std::fs::write(&path, &text).unwrap();
    committed_sample_is_current(&path, &text).unwrap();
}
