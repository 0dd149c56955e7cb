//! What a peer can do wrong.

use pravega_client_shared::WriterId;
use snafu::Snafu;

/// The peer said something that no correct segment store says. The driver drops the connection; the session
/// has already detached and attaches again by itself, a bounded number of times.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum ProtocolViolation {
    /// A reply of a type that answers nothing this session asked.
    #[snafu(display("{reply} answers nothing that was asked"))]
    UnexpectedReply {
        /// The reply's name in the protocol.
        reply: &'static str,
    },
    /// A reply of a type code that the wire protocol does not have.
    #[snafu(display("a reply of the unknown type {code}"))]
    UnknownReply {
        /// The type code.
        code: i32,
    },
    /// A reply to this session's request names another segment.
    #[snafu(display("a reply for segment {actual:?} where {expected:?} was asked"))]
    OtherSegment {
        /// The segment asked about.
        expected: String,
        /// The segment named.
        actual: String,
    },
    /// A reply to this session's request names another writer.
    #[snafu(display("a reply for writer {actual} where {expected} was asked"))]
    OtherWriter {
        /// The session's writer.
        expected: WriterId,
        /// The writer named.
        actual: WriterId,
    },
    /// A setup was answered twice, or answered without being asked.
    #[snafu(display("an append setup that was not asked for"))]
    UnaskedSetup,
    /// A setup reply names an event number that was never sent.
    #[snafu(display("a setup reply with event number {number}, but only {sent} were sent"))]
    SetupBeyondSent {
        /// The number named.
        number: i64,
        /// The highest number ever sent.
        sent: i64,
    },
    /// An ack for a block that is not in flight on this connection.
    #[snafu(display("an ack for event number {number}, which is not in flight (up to {sent})"))]
    AckNotInFlight {
        /// The number acknowledged.
        number: i64,
        /// The highest number sent on this connection.
        sent: i64,
    },
    /// A condition failed for a block that is not in flight.
    #[snafu(display("a failed condition for event number {number}, which is not in flight"))]
    ConditionNotInFlight {
        /// The number named.
        number: i64,
    },
    /// An acknowledged block ends where it cannot end.
    #[snafu(display("a block that must end at {expected} was acknowledged up to {actual}"))]
    AckOffset {
        /// Where the block ends, or in shared mode the least offset at which it can end.
        expected: u64,
        /// The offset in the ack.
        actual: i64,
    },
    /// A read was answered at another offset than the one asked for.
    #[snafu(display("a read at {expected} was answered at {actual}"))]
    ReadOffset {
        /// The offset asked for.
        expected: u64,
        /// The offset in the reply.
        actual: i64,
    },
    /// A read tells of another end of a sealed segment than an earlier reply.
    #[snafu(display("a segment that ended at {length} now ends at {actual}"))]
    EndMoved {
        /// The length known before.
        length: u64,
        /// The length that this reply implies.
        actual: u64,
    },
    /// A read is said to begin before the head, but does not.
    #[snafu(display("a read at {requested} was refused for a head at {head}"))]
    HeadNotBeyond {
        /// The offset asked for.
        requested: u64,
        /// The head in the reply.
        head: i64,
    },
    /// A segment whose head and tail cannot be.
    #[snafu(display("a segment with its head at {head} and its tail at {tail}"))]
    ImpossibleSegment {
        /// The head in the reply.
        head: i64,
        /// The tail in the reply.
        tail: i64,
    },
}
