//! Messages as lines of a transcript, without what differs between any two runs.

use std::{fmt::Debug, sync::Arc};

use pravega_wire_protocol::{Payload, Reply, Request};

use super::scene::{Called, Name, Said};

/// Payloads up to this length are shown, longer ones are hashed.
const SHOWN_BYTES: usize = 64;

/// From this length on a row of the same letter is counted.
const LONG_ROW: usize = 100;

/// Shows messages of one script.
pub(super) struct Show<'a> {
    /// Their names differ in each run: they are shown by number.
    pub(super) segments: &'a [Name],
    /// What all of them begin with.
    pub(super) prefix: &'a str,
}

impl Show<'_> {
    /// Something that was sent.
    pub(super) fn said(&self, said: &Said) -> String {
        match &said.called {
            Called::Request(request) => self.request(request),
            Called::Name(name) => name.clone(),
        }
    }

    fn request(&self, request: &Request) -> String {
        let data = match request {
            Request::AppendBlock(block) => Some(&block.data),
            Request::AppendBlockEnd(end) => Some(&end.data),
            Request::ConditionalAppend(append) => Some(&append.event),
            Request::ConditionalBlockEnd(append) => Some(&append.data),
            _ => None,
        };
        self.message(request.name(), request, data)
    }

    /// Something that was heard.
    pub(super) fn reply(&self, reply: Reply, exact: bool) -> String {
        let reply = without_chance(reply);
        let data = match &reply {
            Reply::SegmentRead(read) => Some(&read.data),
            _ => None,
        };
        let text = self.message(reply.name(), &reply, data);
        if exact { text } else { text + " (not in full)" }
    }

    fn message(&self, name: &str, message: &dyn Debug, data: Option<&Payload>) -> String {
        let mut text = format!("{message:?}");
        // The enum and the message in it have the same name.
        if let Some(inner) = text
            .strip_prefix(name)
            .and_then(|text| text.strip_prefix('('))
        {
            text = inner.strip_suffix(')').unwrap_or(inner).to_owned();
        }
        text = text.replace(", server_stack_trace: \"\"", "");
        text = text.replace(", delegation_token: DelegationToken(redacted)", "");
        text = text.replace(&i64::MIN.to_string(), "i64::MIN");
        text = short_id(&text, "writer_id: ", "WriterId(", ")", 16);
        text = short_id(&text, "attribute_id: ", "", "", 10);
        if let Some(data) = data {
            text = text.replace(&format!("{data:?}"), &bytes(&data.clone().into_bytes()));
        }
        self.names(text)
    }

    /// The same text with numbers for segments.
    pub(super) fn names(&self, mut text: String) -> String {
        // Counted down, because "-1" begins "-10" too.
        for (number, name) in self.segments.iter().enumerate().rev() {
            text = text.replace(&**name, &format!("segment {number}"));
        }
        text = text.replace(self.prefix, "unique");
        repeated(text)
    }
}

/// The same text with the 128-bit id of a field written short.
fn short_id(text: &str, field: &str, front: &str, back: &str, radix: u32) -> String {
    let short = || {
        let (before, rest) = text.split_once(&format!("{field}{front}"))?;
        let end = rest.find(|letter: char| !letter.is_ascii_hexdigit())?;
        let id = u128::from_str_radix(&rest[..end], radix).ok()?;
        let after = rest[end..].strip_prefix(back)?;
        Some(format!("{before}{field}{id:#x}{after}"))
    };
    short().unwrap_or_else(|| text.to_owned())
}

/// A long row of the letter `n`, which long names are made of, as a number.
fn repeated(mut text: String) -> String {
    while let Some(start) = text.find(&"n".repeat(LONG_ROW)) {
        let row = text[start..]
            .bytes()
            .take_while(|byte| *byte == b'n')
            .count();
        text.replace_range(start..start + row, &format!("{row} times n"));
    }
    text
}

/// A reply without times, stack traces and texts for people.
fn without_chance(mut reply: Reply) -> Reply {
    let trace = match &mut reply {
        Reply::StreamSegmentInfo(info) => {
            assert!(info.last_modified > 0, "{info:?}");
            info.last_modified = 1;
            return reply;
        }
        Reply::ErrorMessage(message) => &mut message.message,
        Reply::InvalidEventNumber(reply) => &mut reply.server_stack_trace,
        Reply::WrongHost(reply) => &mut reply.server_stack_trace,
        Reply::SegmentIsSealed(reply) => &mut reply.server_stack_trace,
        Reply::SegmentAlreadyExists(reply) => &mut reply.server_stack_trace,
        Reply::NoSuchSegment(reply) => &mut reply.server_stack_trace,
        Reply::SegmentIsTruncated(reply) => &mut reply.server_stack_trace,
        Reply::OperationUnsupported(reply) => &mut reply.server_stack_trace,
        Reply::AuthTokenCheckFailed(reply) => &mut reply.server_stack_trace,
        _ => return reply,
    };
    trace.clear();
    reply
}

/// User bytes: themselves when they are few, else their number and a hash.
pub(super) fn bytes(bytes: &[u8]) -> String {
    if bytes.len() <= SHOWN_BYTES {
        return format!("\"{}\"", bytes.escape_ascii());
    }
    // FNV-1a, 64 bits: it only has to tell accidents apart.
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix);
    format!("{} bytes of hash {hash:016x}", bytes.len())
}

/// A segment's name that is in no script.
pub(super) fn nobody() -> Name {
    Arc::from("differential/nobody/0.#epoch.0")
}
