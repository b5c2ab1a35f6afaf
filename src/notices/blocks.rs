//! Blocks: what a wording is made of, and how they are read from its Markdown.

use std::io::Write;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde::Serialize;

/// A block of a wording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    Heading {
        runs: Vec<Run>,
    },
    Paragraph {
        runs: Vec<Run>,
    },
    List {
        ordered: bool,
        items: Vec<Vec<Run>>,
    },
    /// A box that stands out.
    Box {
        blocks: Vec<Block>,
    },
    /// What is to be paid, and by when.
    AmountDue,
    /// The table of past-due charges.
    Charges,
    /// The table of an arrangement's installments.
    Installments,
    WaysToPay,
}

/// A run of text in one style.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    pub text: String,
    pub strong: bool,
    pub emphasis: bool,
}

/// The variables that stand for a block.
pub(super) const BLOCK_VARIABLES: &[(&str, Block)] = &[
    ("amount_due", Block::AmountDue),
    ("charges", Block::Charges),
    ("installments", Block::Installments),
    ("ways_to_pay", Block::WaysToPay),
];

/// What stands around the name of a block while it travels through tera and Markdown. No keyboard has it, and it is
/// taken out of every value that is filled in.
pub(super) const MARK: char = '\u{E000}';

/// Escapes what Markdown could read as its own, and keeps a value on one line.
pub(super) fn escape_markdown(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => out.write_all(b" ")?,
            _ if letter.is_ascii_punctuation() => write!(out, "\\{letter}")?,
            _ => write!(out, "{letter}")?,
        }
    }
    Ok(())
}

/// What is open while the events of Markdown are read.
#[derive(Default)]
struct Reader {
    /// Finished blocks; the last is that of the innermost box.
    levels: Vec<Vec<Block>>,
    runs: Vec<Run>,
    list: Option<(bool, Vec<Vec<Run>>)>,
    strong: bool,
    emphasis: bool,
}

/// Reads Markdown into blocks; an error names the construct that a wording may not use.
pub(super) fn read_blocks(markdown: &str) -> Result<Vec<Block>, String> {
    let mut reader = Reader { levels: vec![Vec::new()], ..Reader::default() };
    for event in Parser::new_ext(markdown, Options::empty()) {
        match event {
            Event::Start(tag) => reader.open(&tag)?,
            Event::End(tag) => reader.close(tag),
            Event::Text(text) => reader.text(&text),
            Event::SoftBreak => reader.text(" "),
            Event::HardBreak => reader.text("\n"),
            other => return Err(format!("{other:?}").split('(').next().unwrap_or_default().to_lowercase()),
        }
    }
    Ok(reader.levels.pop().unwrap_or_default())
}

impl Reader {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), String> {
        match tag {
            Tag::Paragraph | Tag::Heading { .. } | Tag::Item => {}
            Tag::BlockQuote(_) => self.levels.push(Vec::new()),
            Tag::List(start) if self.list.is_none() => self.list = Some((start.is_some(), Vec::new())),
            Tag::List(_) => return Err("a list within a list".to_owned()),
            Tag::Strong => self.strong = true,
            Tag::Emphasis => self.emphasis = true,
            other => return Err(format!("{other:?}").split([' ', '(', '{']).next().unwrap_or_default().to_lowercase()),
        }
        Ok(())
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph if self.list.is_none() => {
                let runs = std::mem::take(&mut self.runs);
                if !runs.is_empty() {
                    let block = block_variable(&runs).unwrap_or(Block::Paragraph { runs });
                    self.push(block);
                }
            }
            TagEnd::Heading(_) => {
                let runs = std::mem::take(&mut self.runs);
                self.push(Block::Heading { runs });
            }
            TagEnd::Item => {
                let runs = std::mem::take(&mut self.runs);
                if let Some((_, items)) = &mut self.list {
                    items.push(runs);
                }
            }
            TagEnd::List(_) => {
                if let Some((ordered, items)) = self.list.take() {
                    self.push(Block::List { ordered, items });
                }
            }
            TagEnd::BlockQuote(_) => {
                let blocks = self.levels.pop().unwrap_or_default();
                self.push(Block::Box { blocks });
            }
            TagEnd::Strong => self.strong = false,
            TagEnd::Emphasis => self.emphasis = false,
            // Nothing else was opened.
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        match self.runs.last_mut() {
            Some(last) if last.strong == self.strong && last.emphasis == self.emphasis => last.text.push_str(text),
            _ => self.runs.push(Run { text: text.to_owned(), strong: self.strong, emphasis: self.emphasis }),
        }
    }

    fn push(&mut self, block: Block) {
        if let Some(level) = self.levels.last_mut() {
            level.push(block);
        }
    }
}

fn block_variable(runs: &[Run]) -> Option<Block> {
    let [run] = runs else { return None };
    let name = run.text.trim().strip_prefix(MARK)?.strip_suffix(MARK)?;
    BLOCK_VARIABLES.iter().find(|(variable, _)| *variable == name).map(|(_, block)| block.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Run {
        Run { text: text.into(), strong: false, emphasis: false }
    }

    #[test]
    fn a_name_with_markup_in_it_stays_a_name() {
        let mut out = Vec::new();
        escape_markdown("1. *Ann* <b> & [Sons](x)\n# _Inc_", &mut out).unwrap();
        let blocks = read_blocks(std::str::from_utf8(&out).unwrap()).unwrap();
        assert_eq!(blocks, [Block::Paragraph { runs: vec![plain("1. *Ann* <b> & [Sons](x) # _Inc_")] }]);
    }

    #[test]
    fn a_box_holds_blocks_and_a_list_its_items() {
        let blocks = read_blocks("> ## Rights\n>\n> Text\n\n1. a\n2. **b** c\n").unwrap();
        let strong = Run { text: "b".into(), strong: true, emphasis: false };
        assert_eq!(
            blocks,
            [
                Block::Box {
                    blocks: vec![
                        Block::Heading { runs: vec![plain("Rights")] },
                        Block::Paragraph { runs: vec![plain("Text")] }
                    ]
                },
                Block::List { ordered: true, items: vec![vec![plain("a")], vec![strong, plain(" c")]] }
            ]
        );
    }

    #[test]
    fn what_a_letter_cannot_show_is_refused_by_name() {
        assert_eq!(read_blocks("a\n\n```\ncode\n```\n").unwrap_err(), "codeblock");
        assert_eq!(read_blocks("- a\n  - b\n").unwrap_err(), "a list within a list");
    }
}
