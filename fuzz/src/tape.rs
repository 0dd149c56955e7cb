//! A fuzzer's input as a row of decisions.

/// Small decisions, one byte each, so that a changed byte changes one of them and leaves the rest as they were.
/// When the input is used up every decision is the first choice.
#[derive(Debug)]
pub struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    /// A tape from its beginning.
    pub fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// True when nothing is left.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte, 0 behind the end.
    pub fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    /// A number below `end`, which is at most 256.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// One of several, the first one behind the end.
    pub fn pick<'v, T>(&mut self, values: &'v [T]) -> &'v T {
        &values[self.below(values.len())]
    }

    /// Up to `most` of the next bytes as they are.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(self.0.len().min(most));
        self.0 = rest;
        taken
    }

    /// A number off the wire: mostly one near `near`, sometimes an extreme, sometimes any.
    pub fn number(&mut self, near: i64) -> i64 {
        const EXTREMES: [i64; 8] = [
            0,
            -1,
            1,
            i64::MIN,
            i64::MIN + 1,
            i64::MAX,
            i64::MAX - 1,
            1 << 31,
        ];
        match self.byte() {
            step @ 0..=199 => near.saturating_add(i64::from(step % 16) - 4),
            index @ 200..=231 => EXTREMES[usize::from(index) % EXTREMES.len()],
            232..=247 => near,
            _ => {
                let mut any = [0; 8];
                any.fill_with(|| self.byte());
                i64::from_be_bytes(any)
            }
        }
    }
}
