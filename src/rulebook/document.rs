//! YAML text to a tree in which every node knows its place.
//!
//! Strict where YAML is lenient: a key that stands twice, anchors and aliases, tags, several documents and
//! overdeep nesting are refused. Scalars stay text; what they mean is read where it is known what they should be,
//! so that `10.00` never passes through a float and `no` is not silently a flag.

use std::collections::BTreeSet;

use granit_parser::{Event, Parser, ScalarStyle, Span as YamlSpan, StrInput, StructureStyle};

use super::error::{Fault, Report, Span};

/// Deeper nesting than any rule needs.
const MAX_DEPTH: usize = 24;
/// A policy is a few hundred lines; a megabyte is something else.
const MAX_BYTES: usize = 1_000_000;

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub at: Span,
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing stands after the colon.
    Empty,
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: String,
    pub at: Span,
    pub value: Node,
    /// In braces, where a comma ends a text.
    pub flow: bool,
}

impl Node {
    /// What the node is, for messages.
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Value::Empty => "nothing",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// One thing or a list of them, as a list.
    pub fn each(&self) -> &[Self] {
        match &self.value {
            Value::List(nodes) => nodes,
            Value::Empty | Value::Text(_) | Value::Map(_) => std::slice::from_ref(self),
        }
    }
}

/// The tree of `text`, or `None` with what is wrong on record.
pub(super) fn parse(text: &str, report: &mut Report<'_>) -> Option<Node> {
    if text.len() > MAX_BYTES {
        report.add(Fault::new(Span { line: 1, column: 1, width: 1 }, "the file is larger than 1 MB"));
        return None;
    }
    let mut reader = Reader { events: Parser::new_from_str(text), report, sound: true };
    let parsed = reader.document();
    let sound = reader.sound;
    match parsed {
        Ok(node) if sound => Some(node),
        Ok(_) => None,
        Err(fault) => {
            report.add(fault);
            None
        }
    }
}

struct Reader<'r, 't, 'f> {
    events: Parser<'t, StrInput<'t>>,
    report: &'r mut Report<'f>,
    /// No key stood twice: what would be read otherwise is not what was meant.
    sound: bool,
}

impl<'t> Reader<'_, 't, '_> {
    fn document(&mut self) -> Result<Node, Fault> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                other if root.is_none() => root = Some(self.node(other, span, 0)?),
                _ => {
                    return Err(Fault::new(place(&span), "a second document begins here")
                        .expected("one document in a file, without a second `---`"));
                }
            }
        }
        root.ok_or_else(|| Fault::new(Span { line: 1, column: 1, width: 1 }, "the file is empty"))
    }

    fn next(&mut self) -> Result<(Event<'t>, YamlSpan), Fault> {
        loop {
            match self.events.next_event() {
                None => return Ok((Event::StreamEnd, YamlSpan::default())),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(found)) => return Ok(found),
                Some(Err(error)) => {
                    let mark = error.marker();
                    let at = Span { line: small(mark.line()), column: small(mark.col() + 1), width: 1 };
                    return Err(Fault::new(at, format!("this is not YAML: {}", error.info())));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: YamlSpan, depth: usize) -> Result<Node, Fault> {
        let at = place(&span);
        if depth > MAX_DEPTH {
            return Err(Fault::new(at, "the file is nested too deeply"));
        }
        if event.tag().is_some() {
            return Err(
                Fault::new(at, "YAML tags have no meaning here").help("leave out the word that begins with `!`")
            );
        }
        if event.is_alias() || event.anchor_id().is_some() {
            return Err(Fault::new(at, "YAML anchors and aliases are not allowed")
                .help("write the rule out; a rule that is read aloud stands where it applies"));
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let empty = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                let value = if empty { Value::Empty } else { Value::Text(text.into_owned()) };
                Ok(Node { at: inside_quotes(at, style), value })
            }
            Event::SequenceStart(..) => self.list(at, depth),
            Event::MappingStart(style, ..) => self.map(at, style == StructureStyle::Flow, depth),
            _ => Err(Fault::new(at, "this is not YAML that a rule can be read from")),
        }
    }

    fn list(&mut self, at: Span, depth: usize) -> Result<Node, Fault> {
        let mut nodes = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd | Event::StreamEnd) {
                if nodes.is_empty() {
                    // It would mean "none" in one place and "all" in another.
                    self.sound = false;
                    self.report
                        .add(Fault::new(at, "the list is empty").help("leave out its line, or say what is meant"));
                }
                return Ok(Node { at, value: Value::List(nodes) });
            }
            nodes.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, at: Span, flow: bool, depth: usize) -> Result<Node, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut names = BTreeSet::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                return Ok(Node { at, value: Value::Map(entries) });
            }
            let key = self.node(event, span, depth + 1)?;
            let Value::Text(name) = key.value else {
                return Err(Fault::new(key.at, format!("a key is a word, not {}", key.kind())));
            };
            let (event, span) = self.next()?;
            let mut value = self.node(event, span, depth + 1)?;
            if value.value == Value::Empty {
                value.at = key.at;
            }
            if names.insert(name.clone()) {
                entries.push(Entry { key: name, at: key.at, value, flow });
            } else {
                self.sound = false;
                let fault = Fault::new(key.at, format!("the key `{name}` stands twice"))
                    .help("keep one of them; YAML would silently take the last");
                let first = entries.iter().find(|entry| entry.key == name).map_or(at, |entry| entry.at);
                let also = ("it stood here first:".to_owned(), self.report.place(first));
                self.report.add_with(fault, Some(also));
            }
        }
    }
}

/// The place of a YAML span; what goes over several lines is marked at its beginning.
fn place(span: &YamlSpan) -> Span {
    let width = if span.start.line() == span.end.line() { span.end.col().saturating_sub(span.start.col()) } else { 1 };
    Span { line: small(span.start.line()), column: small(span.start.col() + 1), width: small(width.max(1)) }
}

/// The place of a quoted text is that of its first letter, so that words in it can be pointed at.
fn inside_quotes(at: Span, style: ScalarStyle) -> Span {
    match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            Span { column: at.column + 1, width: at.width.saturating_sub(2).max(1), ..at }
        }
        ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => at,
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        let mut report = Report::new("test.yaml", text);
        assert_eq!(parse(text, &mut report), None, "{text}");
        report.into_errors().into_iter().map(|error| error.message).collect()
    }

    #[test]
    fn every_node_knows_its_line_and_column() {
        let text = "due: 21 days\nlist:\n  - \"a b\"\n";
        let mut report = Report::new("test.yaml", text);
        let root = parse(text, &mut report).unwrap();
        let Value::Map(entries) = root.value else { panic!("a map") };
        assert_eq!(entries[0].value.at, Span { line: 1, column: 6, width: 7 });
        let Value::List(items) = &entries[1].value.value else { panic!("a list") };
        assert_eq!(items[0].at, Span { line: 3, column: 6, width: 3 });
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        assert_eq!(errors("due: 1\ndue: 2\n"), ["the key `due` stands twice"]);
    }

    #[test]
    fn what_yaml_allows_and_rules_do_not_need_is_refused() {
        assert_eq!(errors("a: &x 1\nb: *x\n"), ["YAML anchors and aliases are not allowed"]);
        assert_eq!(errors("a: !!str 1\n"), ["YAML tags have no meaning here"]);
        assert_eq!(errors("a: 1\n---\nb: 2\n"), ["a second document begins here"]);
        assert_eq!(errors(&format!("{}{}", "[".repeat(200), "]".repeat(200))), ["the file is nested too deeply"]);
        assert_eq!(errors("# nothing\n"), ["the file is empty"]);
        assert_eq!(errors("never: []\n"), ["the list is empty"]);
    }
}
