//! What clients asked for, and what they were told.

/// One call of a client, and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Who called: one writer, for as long as it keeps its writer id. Its appends must be stored in the order
    /// of their calls. A client that makes a new writer is another one from then on.
    pub client: u32,
    /// When it was called. Times are logical: only which of two is earlier matters.
    pub called: u64,
    /// When the answer came; none while there is none. Not before `called`.
    pub returned: Option<u64>,
    /// What was asked and answered.
    pub action: Action,
}

/// What was asked for, with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Bytes to be stored, whole or not at all.
    Append {
        /// Which bytes. No two appends of a history have the same.
        id: u64,
        /// How many. An append of no bytes is nothing, and is not checked.
        len: u64,
        /// Where they must begin, if they are to be stored only there.
        expected: Option<u64>,
        /// The answer.
        outcome: Outcome,
    },
    /// Where the segment ends: the answer says exactly where.
    Tail {
        /// The answer.
        tail: u64,
    },
    /// Bytes that were read: the segment reaches at least as far.
    Read {
        /// The offset behind the last byte read.
        end: u64,
    },
    /// A question about the segment that has no answer yet.
    Unanswered,
}

/// What the client was told of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored.
    Stored {
        /// Where, if that was told.
        offset: Option<u64>,
    },
    /// It is not stored and never will be, because the segment did not end at the offset expected. It must have
    /// ended elsewhere at some moment of the call.
    Conflict,
    /// It is not stored and never will be, for a reason that says nothing about where the segment ended.
    NotStored,
    /// Nobody knows. It may be stored at any time after the call, also after the answer, or never.
    Unknown,
}

/// A call that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "without its answer, nobody knows what became of the call"]
pub struct Pending(usize);

/// Writes down calls and answers, each with the next time.
///
/// What is not finished counts as called and never answered.
#[derive(Debug, Clone, Default)]
pub struct History {
    operations: Vec<Operation>,
    now: u64,
}

impl History {
    /// A history without operations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Client `client` calls for `len` bytes to be stored, at offset `expected` if there is one.
    pub fn append(&mut self, client: u32, id: u64, len: u64, expected: Option<u64>) -> Pending {
        let outcome = Outcome::Unknown;
        let append = Action::Append {
            id,
            len,
            expected,
            outcome,
        };
        self.call(client, append)
    }

    /// The answer to an append.
    pub fn finish(&mut self, call: Pending, told: Outcome) {
        let now = self.tick();
        if let Some(operation) = self.operations.get_mut(call.0)
            && let Action::Append { outcome, .. } = &mut operation.action
        {
            *outcome = told;
            operation.returned = Some(now);
        }
    }

    /// Client `client` asks where the segment ends, or for bytes of it.
    pub fn ask(&mut self, client: u32) -> Pending {
        self.call(client, Action::Unanswered)
    }

    /// The answer: the segment ends at `tail`.
    pub fn tail(&mut self, call: Pending, tail: u64) {
        self.answer(call, Action::Tail { tail });
    }

    /// The answer: bytes, the last of them in front of offset `end`.
    pub fn read(&mut self, call: Pending, end: u64) {
        self.answer(call, Action::Read { end });
    }

    /// Everything written down, in the order of the calls.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    fn call(&mut self, client: u32, action: Action) -> Pending {
        let called = self.tick();
        self.operations.push(Operation {
            client,
            called,
            returned: None,
            action,
        });
        Pending(self.operations.len() - 1)
    }

    fn answer(&mut self, call: Pending, action: Action) {
        let now = self.tick();
        if let Some(operation) = self.operations.get_mut(call.0) {
            operation.action = action;
            operation.returned = Some(now);
        }
    }

    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }
}

impl Operation {
    /// The last moment at which it can have happened, or never if it has no such moment.
    pub(super) fn latest(&self) -> u64 {
        match self.action {
            Action::Append {
                outcome: Outcome::Unknown,
                ..
            } => NEVER,
            _ => self.returned.unwrap_or(NEVER),
        }
    }
}

/// Later than every answer.
pub(super) const NEVER: u64 = u64::MAX;
