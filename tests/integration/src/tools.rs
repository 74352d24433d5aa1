use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

/// Runs a program and gives its output, whatever its exit status.
pub fn output<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program} (`make deps` installs it): {error}"))
}

/// Runs a program that must succeed and gives what it printed.
pub fn run<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> String {
    let arguments: Vec<_> = arguments.into_iter().map(|text| text.as_ref().to_owned()).collect();
    let output = output(program, &arguments);
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {said}{errors}");
    said.into_owned()
}
