//! The little of `ceph.conf` that tells clusters apart and says how to reach one. Connecting is left
//! to librados, which reads a whole file by itself.

use std::collections::BTreeMap;

use crate::HostAddress;

/// What one `ceph.conf` says of its cluster; nothing of it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CephConf {
    /// In lower case.
    pub fsid: Option<String>,
    /// Of `mon_host`, and of `mon_addr` in monitors' own sections.
    pub monitors: Vec<HostAddress>,
    /// The same as it stands there, `mon_host`'s value for another `ceph.conf`; empty where
    /// no monitor is named.
    pub mon_host: String,
}

impl CephConf {
    /// Reads the text of a file. Lines that are no settings are passed over, as librados
    /// complains of those.
    pub fn parse(text: &str) -> Self {
        let settings = settings(text);
        let of = |section: &str, name: &str| settings.get(&(section.to_owned(), name.to_owned()));
        // A client's own section wins over the general one.
        let first = |name: &str| of("client", name).or_else(|| of("global", name));
        let hosts = first("mon_host").into_iter();
        let own = settings.iter().filter_map(|((section, name), value)| {
            (section.starts_with("mon.") && name == "mon_addr").then_some(value)
        });
        let hosts: Vec<_> = hosts.chain(own).map(String::as_str).collect();
        Self {
            fsid: first("fsid").map(|fsid| fsid.to_ascii_lowercase()),
            mon_host: hosts.join(","),
            monitors: hosts.into_iter().flat_map(addresses).collect(),
        }
    }
}

/// Section and name, both normal, to value.
fn settings(text: &str) -> BTreeMap<(String, String), String> {
    let mut settings = BTreeMap::new();
    let mut section = "global".to_owned();
    for line in joined(text) {
        let line = uncommented(&line).trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim().to_owned();
        } else if let Some((name, value)) = line.split_once('=') {
            settings.insert((section.clone(), normal(name)), unquoted(value.trim()).to_owned());
        }
    }
    settings
}

/// Lines, with those that end in a backslash joined with their next.
fn joined(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut begun = String::new();
    for line in text.lines() {
        match line.strip_suffix('\\') {
            Some(part) => begun.push_str(part),
            None => lines.push(std::mem::take(&mut begun) + line),
        }
    }
    lines.push(begun);
    lines
}

/// The line up to a `#` or `;` that stands neither in quotes nor behind a backslash.
fn uncommented(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (at, letter) in line.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' | '\'' if quote == Some(letter) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(letter),
            '#' | ';' if quote.is_none() => return &line[..at],
            _ => {}
        }
    }
    line
}

fn unquoted(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

/// `mon host`, `mon-host` and `mon_host` are one name.
fn normal(name: &str) -> String {
    let words = name.split([' ', '\t', '_', '-']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// `10.0.0.1, mon2:6789 [v2:10.0.0.3:3300/0,v1:10.0.0.3:6789/0] [fd00::1]:6789`.
fn addresses(value: &str) -> Vec<HostAddress> {
    value.split([',', ';', ' ', '\t']).filter_map(address).collect()
}

/// One address, with what is left of the brackets of the vector that it stands in.
fn address(part: &str) -> Option<HostAddress> {
    let plain = |part: &str| {
        ["v1:", "v2:", "any:"].iter().find_map(|p| Some(part.strip_prefix(p)?.to_owned()))
    };
    // A vector opens with a bracket, and so does an IPv6 address.
    let in_vector = part.strip_prefix('[').and_then(plain);
    let part = in_vector.or_else(|| plain(part)).unwrap_or_else(|| part.to_owned());
    let part = part.split_once('/').map_or(part.as_str(), |(address, _nonce)| address);
    let unbalanced = part.ends_with(']') && part.matches(']').count() > part.matches('[').count();
    let part = if unbalanced { &part[..part.len() - 1] } else { part };
    let (host, port) = match part.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        // More colons than one: an IPv6 address without a port.
        None if part.matches(':').count() > 1 => (part, None),
        None => part.split_once(':').map_or((part, None), |(host, port)| (host, Some(port))),
    };
    let port = port.and_then(|port| port.parse().ok());
    (!host.is_empty()).then(|| HostAddress { host: host.to_ascii_lowercase(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitors(text: &str) -> Vec<String> {
        let address = |monitor: &HostAddress| match monitor.port {
            Some(port) => format!("{} {port}", monitor.host),
            None => monitor.host.clone(),
        };
        CephConf::parse(text).monitors.iter().map(address).collect()
    }

    #[test]
    fn all_spellings_of_addresses() {
        for (value, expected) in [
            ("10.0.0.1", vec!["10.0.0.1"]),
            ("10.0.0.1,10.0.0.2:6789", vec!["10.0.0.1", "10.0.0.2 6789"]),
            ("\"Mon1.example.org; mon2\"", vec!["mon1.example.org", "mon2"]),
            ("v1:10.0.0.1:6789/0", vec!["10.0.0.1 6789"]),
            (
                "[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0] [v2:10.0.0.2:3300,v1:10.0.0.2:6789]",
                vec!["10.0.0.1 3300", "10.0.0.1 6789", "10.0.0.2 3300", "10.0.0.2 6789"],
            ),
            ("[fd00::1]:6789,[fd00::2],fd00::3", vec!["fd00::1 6789", "fd00::2", "fd00::3"]),
            (
                "[v2:[fd00::1]:3300/0,v1:[fd00::1]:6789/0],[v2:[fd00::2]:3300,v1:[fd00::2]]",
                vec!["fd00::1 3300", "fd00::1 6789", "fd00::2 3300", "fd00::2"],
            ),
            ("", vec![]),
        ] {
            assert_eq!(monitors(&format!("mon_host = {value}")), expected, "{value}");
        }
    }

    #[test]
    fn sections_comments_and_continued_lines() {
        let text = "\
            # A comment\n\
            [global]\n\
            FSID = ignored\n\
            fsid=C0FFEE00-0000-4000-8000-000000000000 ; and another\n\
            mon  host = \"10.0.0.1,\\\n10.0.0.2\" # both\n\
            [osd]\n\
            mon_host = 10.9.9.9\n\
            nonsense\n\
            [mon.a]\n\
            mon-addr = 10.0.0.3:6789\n\
            host = a\n\
            [broken\n";
        let conf = CephConf::parse(text);
        assert_eq!(conf.fsid.as_deref(), Some("c0ffee00-0000-4000-8000-000000000000"));
        assert_eq!(monitors(text), ["10.0.0.1", "10.0.0.2", "10.0.0.3 6789"]);
        assert_eq!(conf.mon_host, "10.0.0.1,10.0.0.2,10.0.0.3:6789");
    }

    #[test]
    fn a_clients_section_wins_and_the_last_word_counts() {
        let text = "mon_host = a\n[global]\nmon host = b\n[client]\nmon_host = c\nmon-host = 'd'\n";
        assert_eq!(monitors(text), ["d"]);
        assert_eq!(CephConf::parse(""), CephConf::default());
        assert_eq!(monitors("[global]\nmon_host = a\\#b # c"), ["a\\#b"]);
    }
}
