//! Parts in any order in, blocks one at a time out.
//!
//! Anthropic's clients know one open block, and blocks in order. Other protocols open the next part before the last
//! has ended, mostly without saying that it has, and deliver parallel tool calls in turns. A text or thought ends where
//! the next part begins, so that nothing is held up; what comes for it later becomes a block of its own. A tool call
//! that is not whole holds back what begins after it.

use std::collections::VecDeque;

use llm_core::Native;
use llm_core::chat::{Change, Content, Delta, Part, Reasoning};

use crate::protocols::seal::Proof;

/// What kind of block a part becomes, as far as its changes go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    Thinking,
    Tool,
    /// Written when it is whole.
    Media,
    /// Whole from the start.
    Fixed,
    /// Not written at all: another protocol's own.
    Ignored,
}

impl Kind {
    fn of(part: &Part) -> Self {
        match &part.content {
            Content::Text { .. } | Content::Refusal { .. } => Self::Text,
            Content::Reasoning(Reasoning { encrypted: Some(_), .. }) => Self::Fixed,
            Content::Reasoning(_) => Self::Thinking,
            Content::ToolCall(_) => Self::Tool,
            Content::Media(_) => Self::Media,
            _ if !part.native.is_from(super::super::ME) => Self::Ignored,
            Content::ServerToolCall(_) => Self::Tool,
            Content::ServerToolResult(_) | Content::ToolResult(_) | Content::Unknown { .. } => Self::Fixed,
        }
    }

    fn takes(self, change: &Change) -> bool {
        match change {
            Change::Text(_) | Change::Refusal(_) | Change::Citation(_) => matches!(self, Self::Text | Self::Ignored),
            // They are a block of their own.
            Change::Encrypted(_) => self == Self::Ignored,
            Change::Reasoning(_) | Change::Signature(_) => matches!(self, Self::Thinking | Self::Ignored),
            Change::Arguments(_) => matches!(self, Self::Tool | Self::Ignored),
            Change::Data(_) => matches!(self, Self::Media | Self::Ignored),
            Change::Start(_) | Change::Stop => true,
        }
    }
}

/// A part on its way to become a block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) part: Part,
    /// What the first event kept.
    pub(super) native: Native,
    /// Changes that came before its turn.
    pub(super) held: Vec<Delta>,
    /// What the last event kept, where the part is said to be whole.
    pub(super) end: Option<Native>,
    /// Whether a signature has begun, before whose first piece its maker is named.
    pub(super) signed: bool,
    scan: Scan,
}

impl Block {
    fn new(number: u32, part: Part, native: Native) -> Self {
        let mut scan = Scan::default();
        if let Content::ToolCall(call) = &part.content {
            scan.feed(&call.arguments);
        }
        Self { number, kind: Kind::of(&part), part, native, held: Vec::new(), end: None, signed: false, scan }
    }

    /// A block for a change whose own part has ended, or never began. None for a change that is nothing by itself.
    /// `thinker`: whose thoughts they are, if they are some.
    fn for_change(delta: &Delta, thinker: Option<&String>) -> Option<Self> {
        let thoughts = || Reasoning { provider: thinker.cloned(), ..Reasoning::default() };
        let part = match &delta.change {
            Change::Text(text) | Change::Refusal(text) if !text.is_empty() => Part::text(""),
            Change::Citation(_) => Part::text(""),
            Change::Encrypted(data) => Reasoning { encrypted: Some(data.clone()), ..thoughts() }.into(),
            Change::Reasoning(text) | Change::Signature(text) if !text.is_empty() => Part::from(thoughts()),
            _ => return None,
        };
        Some(Self::new(delta.part, part, Native::NONE))
    }

    /// The first piece of a signature that another protocol's provider made, with its name before it; none for any other
    /// piece.
    pub(super) fn seal(&mut self, signature: &str) -> Option<String> {
        let Content::Reasoning(Reasoning { provider: Some(provider), .. }) = &self.part.content else { return None };
        if signature.is_empty() || self.part.native.is_from(super::super::ME) || self.signed {
            return None;
        }
        self.signed = true;
        Some(Proof::Signature(signature).seal(provider))
    }

    fn is_whole(&self) -> bool {
        self.end.is_some() || self.kind != Kind::Tool || self.scan.complete
    }

    fn note(&mut self, change: &Change) {
        if let Change::Arguments(piece) = change {
            self.scan.feed(piece);
        }
    }
}

/// What is to be written next.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every step is a change, and is taken at once")]
pub(super) enum Step {
    /// The current block has just begun.
    Begin,
    /// The current block changes.
    Change(Delta),
    /// This block ends.
    End(Box<Block>),
}

/// The blocks of one answer: the current one, and those that wait.
#[derive(Debug, Default)]
pub(super) struct Order {
    current: Option<Block>,
    waiting: VecDeque<Block>,
    /// Who thought what was thought last.
    thinker: Option<String>,
}

impl Order {
    /// The block that is open.
    pub(super) fn current(&mut self) -> Option<&mut Block> {
        self.current.as_mut()
    }

    /// Takes in a change. What it leads to is handed to `write`, in order.
    pub(super) fn take(&mut self, delta: &Delta, write: &mut dyn FnMut(&mut Self, Step)) {
        match &delta.change {
            Change::Start(part) => {
                if let Content::Reasoning(reasoning) = &part.content {
                    self.thinker.clone_from(&reasoning.provider);
                }
                self.waiting.push_back(Block::new(delta.part, part.clone(), delta.native.clone()));
            }
            Change::Stop => {
                let block = self.blocks().rev().find(|block| block.number == delta.part);
                if let Some(block) = block {
                    block.end = Some(delta.native.clone());
                }
            }
            change => {
                let fits =
                    |block: &Block| block.number == delta.part && block.kind.takes(change) && block.end.is_none();
                if let Some(block) = self.current.as_mut().filter(|block| fits(block)) {
                    block.note(change);
                    write(self, Step::Change(delta.clone()));
                } else if let Some(block) = self.waiting.iter_mut().rev().find(|block| fits(block)) {
                    block.note(change);
                    block.held.push(delta.clone());
                } else if let Some(mut block) = Block::for_change(delta, self.thinker.as_ref()) {
                    block.held.push(delta.clone());
                    self.waiting.push_back(block);
                }
            }
        }
        self.advance(write);
    }

    /// Ends the current block and all that wait.
    pub(super) fn flush(&mut self, write: &mut dyn FnMut(&mut Self, Step)) {
        while self.current.is_some() || !self.waiting.is_empty() {
            self.advance(write);
            self.end_current(write);
        }
    }

    /// Goes on as far as nothing stands in the way.
    fn advance(&mut self, write: &mut dyn FnMut(&mut Self, Step)) {
        loop {
            match &self.current {
                Some(block) if block.end.is_some() || (!self.waiting.is_empty() && block.is_whole()) => {
                    self.end_current(write);
                }
                Some(_) => return,
                None => {
                    let Some(mut block) = self.waiting.pop_front() else { return };
                    let held = std::mem::take(&mut block.held);
                    self.current = Some(block);
                    write(self, Step::Begin);
                    for delta in held {
                        write(self, Step::Change(delta));
                    }
                }
            }
        }
    }

    fn end_current(&mut self, write: &mut dyn FnMut(&mut Self, Step)) {
        if let Some(block) = self.current.take() {
            write(self, Step::End(Box::new(block)));
        }
    }

    fn blocks(&mut self) -> impl DoubleEndedIterator<Item = &mut Block> {
        self.current.iter_mut().chain(self.waiting.iter_mut())
    }
}

/// Watches a JSON object arrive in pieces, to know when it is whole.
#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    depth: u32,
    in_string: bool,
    escaped: bool,
    complete: bool,
}

impl Scan {
    fn feed(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.complete |= self.depth == 0;
                }
                _ => {}
            }
        }
    }
}
