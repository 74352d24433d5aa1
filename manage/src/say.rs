use std::io::Write;

/// Prints a line of a command's result.
///
/// # Errors
/// When nobody reads any more.
pub fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}
