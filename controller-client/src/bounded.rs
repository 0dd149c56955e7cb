//! A map with a bound, which drops what was not used for longest. Pure.

use std::{collections::HashMap, hash::Hash, mem};

/// Keeps at most `capacity` entries.
///
/// Entries live in two halves. What is used moves to the young half; when that is full it becomes the old
/// half, and the old half of before is dropped. So each operation costs a look-up or two, the last
/// `capacity / 2` keys used are always held, and nothing is ever sorted.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Eq + Hash + Clone, V> Bounded<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            half: (capacity / 2).max(1),
        }
    }

    /// Looks `key` up, which counts as a use.
    pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
        self.get_mut(key).map(|value| &*value)
    }

    /// The same, to change the value.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            self.insert_young(key, value);
        }
        self.young.get_mut(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        self.insert_young(key, value);
    }

    /// Removes `key` if `condemned` says so of its value.
    pub(crate) fn remove_if(&mut self, key: &K, condemned: impl FnOnce(&V) -> bool) {
        let half = if self.young.contains_key(key) {
            &mut self.young
        } else {
            &mut self.old
        };
        if half.get(key).is_some_and(condemned) {
            half.remove(key);
        }
    }

    fn insert_young(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_no_more_than_its_capacity() {
        let mut map = Bounded::new(10);
        for key in 0..1_000 {
            map.insert(key, key);
            assert!(map.young.len() + map.old.len() <= 10);
        }
        let held = (0..1_000).filter(|key| map.get(key).is_some()).count();
        assert!((5..=10).contains(&held), "{held}");
    }

    #[test]
    fn keeps_what_is_used() {
        let mut map = Bounded::new(10);
        map.insert(-1, "kept");
        for key in 0..1_000 {
            map.insert(key, "passing");
            assert_eq!(map.get(&-1), Some(&"kept"));
        }
    }

    #[test]
    fn a_new_value_replaces_the_old_one_in_either_half() {
        let mut map = Bounded::new(4);
        for key in [0, 1, 2] {
            map.insert(key, "first");
        }
        map.insert(0, "second");
        assert_eq!(map.get(&0), Some(&"second"));
        map.remove_if(&0, |value| *value == "first");
        assert_eq!(map.get(&0), Some(&"second"));
        map.remove_if(&0, |value| *value == "second");
        assert_eq!(map.get(&0), None);
    }
}
