//! The sample file, made of the declarations.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::declare::{Group, Open, OptionSpec};
use crate::ini;

/// Where help is wrapped.
const WIDTH: usize = 76;

/// The text of a sample configuration: every option of the groups with its help, type, bounds and
/// default, commented out. DEFAULT comes first, the others in the order given; a group that comes
/// several times is joined. The same declarations give the same text.
#[must_use]
pub fn sample(groups: &[Group]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for group in groups.iter().filter(|group| !matches!(group.open, Open::Listed(..))) {
        if !names.contains(&group.name.as_str()) {
            names.push(&group.name);
        }
    }
    names.sort_by_key(|name| *name != "DEFAULT");
    let sections = names.iter().map(|name| {
        let same: Vec<&Group> = groups.iter().filter(|group| group.name == *name).collect();
        section(&same)
    });
    sections.collect::<Vec<_>>().join("\n\n")
}

/// Compares a committed sample with what the declarations give now. With the variable
/// `UPDATE_SAMPLES=1` in the environment it is written instead. For a test:
///
/// ```no_run
/// # let groups: Vec<oslo_config::Group> = Vec::new();
/// let path = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../etc/firn.conf.sample"));
/// oslo_config::committed_sample_is_current(path, &oslo_config::sample(&groups)).unwrap();
/// ```
///
/// # Errors
/// The file cannot be read or written, or differs; the message names the first line that does, and
/// the command that writes it.
pub fn committed_sample_is_current(path: &Path, current: &str) -> io::Result<()> {
    if std::env::var_os("UPDATE_SAMPLES").is_some_and(|value| value == "1") {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        return std::fs::write(path, current);
    }
    let how = "run this test again with UPDATE_SAMPLES=1 to write it";
    let committed = std::fs::read_to_string(path)
        .map_err(|error| io::Error::other(format!("{}: {error}; {how}", path.display())))?;
    if committed == current {
        return Ok(());
    }
    let same = committed.lines().zip(current.lines()).take_while(|(a, b)| a == b).count();
    Err(io::Error::other(format!(
        "{} is stale from line {}: it should be {:?}; {how}",
        path.display(),
        same + 1,
        current.lines().nth(same).unwrap_or("its end"),
    )))
}

fn section(groups: &[&Group]) -> String {
    let mut text = format!("[{}]\n", groups[0].name);
    for group in groups.iter().filter(|group| !group.help.is_empty()) {
        let help: Vec<&str> = group.help.iter().map(String::as_str).collect();
        text.push('\n');
        comment(&mut text, &help, "");
    }
    if groups.iter().any(|group| group.open == Open::Named) {
        text.push_str("\n# The options depend on what the section is for.\n");
    }
    let mut seen = Vec::new();
    for spec in groups.iter().flat_map(|group| &group.options) {
        if !seen.contains(&spec.name) {
            seen.push(spec.name);
            option(&mut text, spec);
        }
    }
    text
}

fn option(text: &mut String, spec: &OptionSpec) {
    text.push('\n');
    let kind = if spec.rules.multi { "multi valued" } else { spec.type_name };
    comment(text, spec.help, &format!("({kind})"));
    let mut fact = |name: &str, value: String| _ = writeln!(text, "# {name}: {value}");
    if let Some(min) = spec.rules.min {
        fact("Minimum value", min.to_string());
    }
    if let Some(max) = spec.rules.max {
        fact("Maximum value", max.to_string());
    }
    if !spec.rules.choices.is_empty() {
        fact("Possible values", spec.rules.choices.join(", "));
    }
    if spec.required {
        fact("Required", "there is no default".to_owned());
    }
    for (group, name) in spec.names("").skip(1) {
        let group = if group.is_empty() { String::new() } else { format!("[{group}]/") };
        fact("Deprecated name", format!("{group}{name}"));
    }
    let values = match (&spec.sample, &spec.default) {
        (Some(sample), _) => vec![sample.clone()],
        (None, Some(values)) if !values.is_empty() => values.clone(),
        (None, Some(_)) => vec![String::new()],
        (None, None) => vec!["<None>".to_owned()],
    };
    for value in values {
        // Booleans as operators write them.
        let value = match (spec.type_name, value.as_str()) {
            ("boolean value", "True") => "true".to_owned(),
            ("boolean value", "False") => "false".to_owned(),
            _ => value,
        };
        let lines = ini::assignment(spec.name, &value)
            .unwrap_or_else(|| format!("{} = {}", spec.name, value.escape_default()));
        for line in lines.lines() {
            _ = writeln!(text, "#{line}");
        }
    }
}

/// Help as comment lines: wrapped, paragraphs and lists kept; `end` goes behind the last word.
fn comment(text: &mut String, help: &[&str], end: &str) {
    let mut paragraphs: Vec<String> = vec![String::new()];
    for line in help {
        // The blank after `///` is no indentation.
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        let last = paragraphs.last_mut();
        match last {
            _ if line.is_empty() => paragraphs.extend([String::new(), String::new()]),
            Some(last) if !last.is_empty() && !line.starts_with(['-', '*', ' ']) => {
                last.push(' ');
                last.push_str(line);
            }
            Some(last) if last.is_empty() => last.push_str(line),
            _ => paragraphs.push(line.to_owned()),
        }
    }
    if let Some(last) = paragraphs.last_mut() {
        if !last.is_empty() && !end.is_empty() {
            last.push(' ');
        }
        last.push_str(end);
    }
    for paragraph in paragraphs {
        let mut line = String::from("#");
        for word in paragraph.split(' ') {
            if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
                _ = writeln!(text, "{}", line.trim_end());
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        _ = writeln!(text, "{}", line.trim_end());
    }
}
