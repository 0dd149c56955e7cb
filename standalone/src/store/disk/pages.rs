//! What every page of a file was when it was last read or written.
//!
//! The library compares all pages with its checksums when it opens a file, and trusts what it reads later. So
//! each page is noted here, with its checksum, the first time it is read or written, and compared every time
//! it is read again: a bit that flips under a running server becomes an error that names file and place, and
//! never an answer. It costs a thousandth of the file in memory.

use std::sync::{PoisonError, RwLock};

use pravega_client_shared::planted::{self, Bug};

use super::data_file::PAGE;

/// The checksums of pages; 0 for one that is not known.
#[derive(Debug, Default)]
pub(super) struct Pages(RwLock<Vec<u32>>);

impl Pages {
    /// Compares pages with what they were, and notes those that are read for the first time. The error is the
    /// place of the first one that differs.
    pub(super) fn compare(&self, at: u64, pages: &[u8]) -> Result<(), u64> {
        let mut is_new = false;
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            for (index, page) in numbered(at, pages) {
                match known.get(index) {
                    None | Some(0) => is_new = true,
                    Some(sum) if *sum == checksum(page) => {}
                    // Planted: what is read is believed.
                    Some(_) if planted::is_on(Bug::NoRecordChecksum) => {}
                    Some(_) => return Err(place(index)),
                }
            }
        }
        if is_new {
            self.note(at, pages);
        }
        Ok(())
    }

    /// Notes pages that were written.
    pub(super) fn note(&self, at: u64, pages: &[u8]) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (index, page) in numbered(at, pages) {
            if known.len() <= index {
                known.resize(index + 1, 0);
            }
            if let Some(sum) = known.get_mut(index) {
                *sum = checksum(page);
            }
        }
    }

    /// Forgets pages that are about to be written.
    pub(super) fn forget(&self, at: u64, pages: &[u8]) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (index, _) in numbered(at, pages) {
            if let Some(sum) = known.get_mut(index) {
                *sum = 0;
            }
        }
    }

    /// Forgets everything from a place on.
    pub(super) fn forget_from(&self, at: u64) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.truncate(index(at.div_ceil(PAGE)));
    }
}

/// Pages and their numbers.
fn numbered(at: u64, pages: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    pages
        .chunks(index(PAGE))
        .zip(index(at / PAGE)..)
        .map(|(page, number)| (number, page))
}

/// The checksum of a page, which is never 0.
fn checksum(page: &[u8]) -> u32 {
    crc32fast::hash(page).max(1)
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn place(index: usize) -> u64 {
    u64::try_from(index)
        .unwrap_or(u64::MAX)
        .saturating_mul(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_any_bit_matters_once_a_page_is_known() {
        let pages = Pages::default();
        let mut read = vec![7; 3 * index(PAGE)];
        assert_eq!(pages.compare(8192, &read), Ok(()));
        assert_eq!(pages.compare(8192, &read), Ok(()));
        read[5000] ^= 4;
        assert_eq!(pages.compare(8192, &read), Err(8192 + 4096));
        pages.note(8192, &read);
        assert_eq!(pages.compare(8192 + 4096, &read[4096..]), Ok(()));
        read[0] = 0;
        pages.forget_from(8192 + 4096);
        assert_eq!(pages.compare(8192, &read), Err(8192));
        pages.forget(8192, &read);
        assert_eq!(pages.compare(8192, &read), Ok(()));
    }
}
