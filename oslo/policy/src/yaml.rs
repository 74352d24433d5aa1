//! The table of rules in a YAML or JSON file, with the line of each rule.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Most nodes that a file may come to, aliases counted as often as they stand.
const NODES: usize = 100_000;

/// Deepest nesting.
const DEPTH: usize = 16;

/// A value of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Text(String),
    List(Vec<Self>),
    /// A table; there is nothing to know about it.
    Map,
    /// Nothing behind the colon, or `null`.
    Null,
}

/// A rule of the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) value: Node,
    pub(crate) line: usize,
}

/// Why a file has no table of rules.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Malformed {
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// Whether Python takes the character for white space.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

struct Reader<'a> {
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    line: usize,
}

/// Reads the table. An empty file is an empty table.
pub(crate) fn read(text: &str) -> Result<Vec<Entry>, Malformed> {
    let events = Parser::new_from_str(text);
    let mut reader = Reader { events, anchors: HashMap::new(), nodes: 0, line: 1 };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(_) => {}
            Event::StreamEnd => return Ok(Vec::new()),
            Event::MappingStart(..) => {
                let entries = reader.entries()?;
                return reader.end().map(|()| entries);
            }
            Event::Scalar(text, style, _, tag) if is_null(&text, style) && tag.is_none() => {
                return reader.end().map(|()| Vec::new());
            }
            _ => return Err(reader.malformed("the file is no table of rules")),
        }
    }
}

fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && ["", "~", "null", "Null", "NULL"].contains(&text)
}

impl<'a> Reader<'a> {
    fn malformed(&self, message: impl Into<String>) -> Malformed {
        Malformed { line: self.line, message: message.into() }
    }

    fn next(&mut self) -> Result<Event<'a>, Malformed> {
        match self.events.next_event() {
            Some(Ok((event, Span { start, .. }))) => {
                self.line = start.line();
                self.nodes += 1;
                match self.nodes > NODES {
                    true => Err(self.malformed(format!("more than {NODES} values"))),
                    false => Ok(event),
                }
            }
            Some(Err(error)) => {
                self.line = error.marker().line();
                Err(self.malformed(format!("no YAML: {}", error.info())))
            }
            None => Ok(Event::StreamEnd),
        }
    }

    /// Only one document counts.
    fn end(&mut self) -> Result<(), Malformed> {
        loop {
            match self.next()? {
                Event::StreamEnd => return Ok(()),
                Event::DocumentEnd => {}
                _ => return Err(self.malformed("more than one document in the file")),
            }
        }
    }

    fn entries(&mut self) -> Result<Vec<Entry>, Malformed> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let event = self.next()?;
            let line = self.line;
            let name = match event {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(text, style, ..) if !is_null(&text, style) => text.into_owned(),
                _ => return Err(self.malformed("a rule's name must be text")),
            };
            let event = self.next()?;
            let value = self.node(event, 0)?;
            if let Some(earlier) = entries.iter().find(|entry| entry.name == name) {
                let message = format!("rule {name} stands twice, before in line {}", earlier.line);
                return Err(Malformed { line, message });
            }
            entries.push(Entry { name, value, line });
        }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Node, Malformed> {
        if depth == DEPTH {
            return Err(self.malformed(format!("nested deeper than {DEPTH}")));
        }
        let (anchor, node) = match event {
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| self.malformed("an alias without its anchor"))?;
                self.nodes += size(&node);
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                // PyYAML's safe loader knows no other tags either.
                let text_tag = tag
                    .as_ref()
                    .is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let message = "a tag; write \"!\" with its quotes for never";
                let node = match (tag.is_some(), text_tag) {
                    (true, false) => return Err(self.malformed(message)),
                    (false, _) if is_null(&text, style) => Node::Null,
                    _ => Node::Text(text.into_owned()),
                };
                (anchor, node)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
                (anchor, Node::List(items))
            }
            Event::MappingStart(anchor, _) => {
                self.skip_map(depth)?;
                (anchor, Node::Map)
            }
            _ => return Err(self.malformed("a value is missing")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn skip_map(&mut self, depth: usize) -> Result<(), Malformed> {
        loop {
            match self.next()? {
                Event::MappingEnd => return Ok(()),
                event => _ = self.node(event, depth + 1)?,
            }
        }
    }
}

fn size(node: &Node) -> usize {
    match node {
        Node::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Node {
        Node::Text(text.to_owned())
    }

    fn table(source: &str) -> Vec<(String, Node, usize)> {
        let entries = read(source).unwrap();
        entries.into_iter().map(|entry| (entry.name, entry.value, entry.line)).collect()
    }

    #[test]
    fn tables() {
        assert_eq!(table(""), []);
        assert_eq!(table("# nothing\n"), []);
        assert_eq!(table("---\n...\n"), []);
        assert_eq!(
            table("# c\n\"a:b\": \"role:x\"\nb: 'rule:y or @'\nc: role:z # c\nd:\n"),
            [
                ("a:b".into(), text("role:x"), 2),
                ("b".into(), text("rule:y or @"), 3),
                ("c".into(), text("role:z"), 4),
                ("d".into(), Node::Null, 5),
            ]
        );
        assert_eq!(
            table("a: &x [[\"r:1\", 'r:2'], r:3]\nb: *x\nc: >-\n  r:1\n  or r:2\n")
                .last()
                .unwrap()
                .1,
            text("r:1 or r:2")
        );
        let lists = table("a: &x [[\"r:1\", 'r:2'], r:3]\nb: *x\n");
        assert_eq!(
            lists[0].1,
            Node::List(vec![Node::List(vec![text("r:1"), text("r:2")]), text("r:3")])
        );
        assert_eq!(lists[0].1, lists[1].1);
        assert_eq!(
            table("{\n  \"a\": \"role:x\",\n\t\"b\": [],\n  \"c\": {\"d\": [\"e\"]}\n}\n"),
            [
                ("a".into(), text("role:x"), 2),
                ("b".into(), Node::List(vec![]), 3),
                ("c".into(), Node::Map, 4),
            ]
        );
    }

    #[test]
    fn what_is_no_table() {
        let table = [
            ("- a\n", 1, "no table"),
            ("text\n", 1, "no table"),
            ("a: b\na: c\n", 2, "stands twice"),
            ("a: b\n\nb: !\n", 3, "tag"),
            ("a: b\nb: [\n", 3, "no YAML"),
            ("a: b\n--- \nc: d\n", 2, "more than one"),
            ("a: *x\n", 1, "no YAML"),
            ("? [a]\n: b\n", 1, "name must be text"),
        ];
        for (source, line, message) in table {
            let error = read(source).unwrap_err();
            assert!(error.message.contains(message), "{source:?}: {error:?}");
            assert_eq!(error.line, line, "{source:?}: {error:?}");
        }
        let deep = format!("a: {}", "[".repeat(100_000));
        assert!(read(&deep).is_err());
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(", ")));
        }
        assert!(read(&bomb).unwrap_err().message.contains("more than"));
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_reader(text in "(\\PC|[-:\\[\\]{}&*!|>'\"#, \n]|a: )*") {
            let entries = read(&text);
            prop_assert!(entries.map_or(true, |entries| entries.len() <= text.len()));
        }
    }
}
