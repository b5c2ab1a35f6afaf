//! The words of a phrase, each with its place, and the reader that goes along them.

use super::document::Node;
use super::error::{Fault, Span};
use super::fields;

/// A word of a phrase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub text: &'t str,
    pub at: Span,
}

/// A phrase while it is read.
#[derive(Clone, Debug)]
pub(super) struct Phrase<'t> {
    tokens: Vec<Token<'t>>,
    next: usize,
    whole: Span,
}

impl<'t> Phrase<'t> {
    /// The words of a node's text. `what` is for the message when it is none.
    pub fn of(node: &'t Node, what: &str) -> Result<Self, Fault> {
        Ok(Self::new(fields::text(node, what)?, node.at))
    }

    /// The words of `text`, which stands at `whole`; comparison signs are words of their own.
    pub fn new(text: &'t str, whole: Span) -> Self {
        // The column of a word can be told when the text stands on one line and without escapes.
        let exact = text.chars().count() == whole.width as usize;
        let mut tokens = Vec::new();
        let mut begin: Option<usize> = None;
        let mut push = |from: usize, to: usize| {
            let part = &text[from..to];
            let ahead = u32::try_from(text[..from].chars().count()).unwrap_or(u32::MAX);
            let width = u32::try_from(part.chars().count()).unwrap_or(u32::MAX);
            let at = if exact { Span { column: whole.column.saturating_add(ahead), width, ..whole } } else { whole };
            tokens.push(Token { text: part, at });
        };
        let sign = |c: char| matches!(c, '<' | '>' | '=' | '!');
        let mut before = ' ';
        for (index, c) in text.char_indices() {
            let breaks = c.is_whitespace() || sign(c) != sign(before);
            if let Some(from) = begin.filter(|_| breaks) {
                push(from, index);
                begin = None;
            }
            if begin.is_none() && !c.is_whitespace() {
                begin = Some(index);
            }
            before = c;
        }
        if let Some(from) = begin {
            push(from, text.len());
        }
        Self { tokens, next: 0, whole }
    }

    /// The place of the whole phrase.
    pub const fn whole(&self) -> Span {
        self.whole
    }

    /// The next word without taking it.
    pub fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.next).copied()
    }

    /// Takes the next word.
    pub fn bump(&mut self) -> Option<Token<'t>> {
        let token = self.peek()?;
        self.next += 1;
        Some(token)
    }

    /// Takes `words` where exactly they come next.
    pub fn eat(&mut self, words: &str) -> bool {
        let rest = self.tokens.get(self.next..).unwrap_or_default();
        let count = words.split(' ').count();
        let found = rest.len() >= count && words.split(' ').zip(rest).all(|(word, token)| token.text == word);
        if found {
            self.next += count;
        }
        found
    }

    /// The place of the next word, or the end of the phrase.
    pub fn here(&self) -> Span {
        match (self.peek(), self.tokens.last()) {
            (Some(token), _) => token.at,
            (None, Some(last)) => Span { column: last.at.column.saturating_add(last.at.width), width: 1, ..last.at },
            (None, None) => self.whole,
        }
    }

    /// What stands there, for messages.
    pub fn found(&self) -> String {
        self.peek().map_or_else(|| "the text ends".to_owned(), |token| format!("`{}` stands there", token.text))
    }

    /// All that is left, as one text.
    pub fn rest(&self) -> String {
        let rest: Vec<&str> = self.tokens.get(self.next..).unwrap_or_default().iter().map(|token| token.text).collect();
        rest.join(" ")
    }

    /// The last word taken, for messages.
    pub fn last(&self) -> &'t str {
        self.next.checked_sub(1).and_then(|n| self.tokens.get(n)).map_or("", |token| token.text)
    }

    /// Takes a whole number.
    pub fn number(&mut self, what: &str) -> Result<u16, Fault> {
        let Some(token) = self.peek() else {
            return Err(Fault::new(self.here(), format!("expected a number of {what}, but the text ends")));
        };
        let n = fields::count(token.text, token.at, what)?;
        self.next += 1;
        Ok(n)
    }

    /// Requires `words` to come next.
    pub fn need(&mut self, words: &str) -> Result<(), Fault> {
        if self.eat(words) {
            return Ok(());
        }
        let written = self.peek().map_or("", |token| token.text);
        let fault = Fault::new(self.here(), format!("expected `{words}`, but {}", self.found()));
        Err(fault.near(written, words.split(' ').take(1)))
    }

    /// Requires the end.
    pub fn end(&self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(token) => {
                let fault = Fault::new(token.at, format!("`{}` is too much here", self.rest()));
                Err(match token.text {
                    "and" => fault.help("write a list for several that must all hold: `{all: [.., ..]}`"),
                    "or" => fault.help("write a list for several of which one is enough: `{any: [.., ..]}`"),
                    _ => fault,
                })
            }
        }
    }
}
