//! Strings: Java's modified UTF-8 with a two-byte length.
//!
//! Modified UTF-8 writes NUL in two bytes and a character above U+FFFF as two surrogates of three bytes
//! each. We send exactly that and accept standard UTF-8 as well, which the public Rust client sends.
//!
//! **Source**: the contract of `java.io.DataOutput.writeUTF`, checked against a JDK.

use std::borrow::Cow;

/// The longest string, in encoded bytes: its length travels as an unsigned 16-bit number.
pub(crate) const MAX_TEXT: u16 = u16::MAX;

/// How many bytes `text` takes, without the two of its length.
pub(crate) fn encoded_len(text: &str) -> usize {
    let more: usize = text.bytes().map(extra_bytes).sum();
    text.len().saturating_add(more)
}

/// Appends the encoded form of `text`, without its length.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|byte| extra_bytes(byte) == 0) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for character in text.chars() {
        match character {
            '\0' => out.extend_from_slice(&[0xC0, 0x80]),
            '\u{10000}'.. => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(&three_bytes(*unit));
                }
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// The longest beginning of `text` that fits a string.
pub(crate) fn shorten(text: &str) -> &str {
    if encoded_len(text) <= usize::from(MAX_TEXT) {
        return text;
    }
    let mut left = usize::from(MAX_TEXT);
    let end = text
        .char_indices()
        .find(|(_, character)| {
            let needed = encoded_len(character.encode_utf8(&mut [0; 4]));
            left.checked_sub(needed).map(|rest| left = rest).is_none()
        })
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// Decodes both forms; none when some bytes belong to neither.
pub(crate) fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).map_or_else(
        |_| decode_with(bytes, None).map(Cow::Owned),
        |text| Some(Cow::Borrowed(text)),
    )
}

/// Decodes both forms and puts U+FFFD where bytes belong to neither. The result fits a string again.
pub(crate) fn decode_lossy(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => decode_with(bytes, Some(char::REPLACEMENT_CHARACTER)).unwrap_or_default(),
    };
    // A replacement, or a character in its longer form, can take more room than what it stands for.
    let fits = shorten(&text).len();
    if fits < text.len() {
        text.get(..fits).unwrap_or_default().to_owned()
    } else {
        text
    }
}

fn decode_with(mut bytes: &[u8], replacement: Option<char>) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    while !bytes.is_empty() {
        let (character, width) = next_char(bytes);
        text.push(character.or(replacement)?);
        bytes = bytes.get(width..).unwrap_or_default();
    }
    Some(text)
}

/// The first character and its width in bytes; no character for bytes that are none.
fn next_char(bytes: &[u8]) -> (Option<char>, usize) {
    match bytes {
        [0xC0, 0x80, ..] => (Some('\0'), 2),
        [
            0xED,
            a @ 0xA0..=0xAF,
            b @ 0x80..=0xBF,
            0xED,
            c @ 0xB0..=0xBF,
            d @ 0x80..=0xBF,
            ..,
        ] => {
            let units = [surrogate(*a, *b), surrogate(*c, *d)];
            (char::decode_utf16(units).next().and_then(Result::ok), 6)
        }
        [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] => (None, 3),
        [lead, ..] => {
            let width = match lead {
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => 1,
            };
            let character = bytes
                .get(..width)
                .and_then(|character| std::str::from_utf8(character).ok())
                .and_then(|text| text.chars().next());
            (character, if character.is_some() { width } else { 1 })
        }
        [] => (None, 0),
    }
}

/// The UTF-16 unit of a three-byte surrogate whose first byte is 0xED.
fn surrogate(second: u8, third: u8) -> u16 {
    0xD000 | (u16::from(second & 0x3F) << 6) | u16::from(third & 0x3F)
}

fn three_bytes(unit: u16) -> [u8; 3] {
    let six_bits = |shift: u32| {
        let [_, low] = (unit >> shift).to_be_bytes();
        low & 0x3F
    };
    let [high, _] = unit.to_be_bytes();
    [0xE0 | (high >> 4), 0x80 | six_bits(6), 0x80 | six_bits(0)]
}

/// How much longer than in UTF-8 a character is, told by its first byte in UTF-8.
fn extra_bytes(byte: u8) -> usize {
    match byte {
        0 => 1,
        0xF0..=0xFF => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(text, &mut bytes);
        bytes
    }

    /// Compared with a JDK's `writeUTF`.
    #[test]
    fn writes_what_java_writes() {
        let cases: [(&str, &[u8]); 5] = [
            ("", b""),
            ("\0", b"\xc0\x80"),
            ("\u{e9}", b"\xc3\xa9"),
            ("\u{20ac}", b"\xe2\x82\xac"),
            ("\u{1f600}", b"\xed\xa0\xbd\xed\xb8\x80"),
        ];
        for (text, bytes) in cases {
            assert_eq!(encoded(text), bytes, "{text:?}");
            assert_eq!(decode(bytes).as_deref(), Some(text));
        }
    }

    #[test]
    fn reads_what_other_clients_write() {
        assert_eq!(decode(b"a\0b").as_deref(), Some("a\0b"));
        assert_eq!(decode("\u{1f600}".as_bytes()).as_deref(), Some("\u{1f600}"));
        let mixed = b"\xc0\x80\xf0\x9f\x98\x80\xed\xa0\xbd\xed\xb8\x80x";
        assert_eq!(decode(mixed).as_deref(), Some("\0\u{1f600}\u{1f600}x"));
    }

    #[test]
    fn replaces_what_is_no_text() {
        let cases: [(&[u8], &str); 7] = [
            (b"\xff", "\u{fffd}"),
            (b"a\x80b", "a\u{fffd}b"),
            (b"\xc0", "\u{fffd}"),
            (b"\xc1\x81", "\u{fffd}\u{fffd}"),
            (b"\xe2\x82", "\u{fffd}\u{fffd}"),
            // One half of a surrogate pair, and two in the wrong order.
            (b"\xed\xa0\xbdx", "\u{fffd}x"),
            (b"\xed\xb8\x80\xed\xa0\xbd", "\u{fffd}\u{fffd}"),
        ];
        for (bytes, text) in cases {
            assert_eq!(decode(bytes), None, "{bytes:x?}");
            assert_eq!(decode_lossy(bytes), text, "{bytes:x?}");
        }
    }

    #[test]
    fn shortens_between_characters() {
        let fits = "a".repeat(65_535);
        assert_eq!(shorten(&fits), fits);
        assert_eq!(shorten(&format!("{fits}b")), fits);
        let twos = "\u{e9}".repeat(32_768);
        assert_eq!(encoded_len(shorten(&twos)), 65_534);
        assert_eq!(encoded_len(&decode_lossy(&[0xff; 65_535])), 65_535);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let bytes = encoded(&text);
            prop_assert_eq!(bytes.len(), encoded_len(&text));
            prop_assert_eq!(decode(&bytes).unwrap(), &*text);
            prop_assert_eq!(decode_lossy(&bytes), text);
        }

        #[test]
        fn any_bytes_become_text_that_comes_back(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let text = decode_lossy(&bytes);
            prop_assert_eq!(decode_lossy(&encoded(&text)), &*text);
            if let Some(strict) = decode(&bytes) {
                prop_assert_eq!(strict, text);
            }
        }
    }
}
