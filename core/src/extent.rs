use serde::{Deserialize, Serialize};

/// A run of bytes of a disk: `[offset, offset + length)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Extent {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

impl Extent {
    /// `[offset, offset + length)`; the length is cut where the end would pass `u64::MAX`.
    pub const fn new(offset: u64, length: u64) -> Self {
        let room = u64::MAX - offset;
        Self { offset, length: if length < room { length } else { room } }
    }

    /// The first byte after the run.
    pub const fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// The part of `self` inside `other`; `None` where they do not meet.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let start = self.offset.max(other.offset);
        let end = self.end().min(other.end());
        (start < end).then(|| Self::new(start, end - start))
    }
}

/// A set of bytes of a disk, kept as sorted runs that neither meet nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExtentList(Vec<Extent>);

impl ExtentList {
    /// The empty set.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The whole of a disk of `size_bytes`.
    pub fn whole(size_bytes: u64) -> Self {
        Self::from_iter([Extent::new(0, size_bytes)])
    }

    /// The runs, sorted, with gaps between them.
    pub fn as_slice(&self) -> &[Extent] {
        &self.0
    }

    /// How many bytes the set holds.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|extent| extent.length).sum()
    }

    /// Whether the set holds no byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a run that starts at or after the start of the last one: what a driver reports in
    /// order. Out of order it still gives the right set, by sorting anew.
    pub fn push(&mut self, extent: Extent) {
        if extent.length == 0 {
            return;
        }
        match self.0.last_mut() {
            Some(last) if extent.offset < last.offset => {
                self.0.push(extent);
                *self = std::mem::take(&mut self.0).into_iter().collect();
            }
            Some(last) if extent.offset <= last.end() => {
                let end = last.end().max(extent.end());
                last.length = end - last.offset;
            }
            _ => self.0.push(extent),
        }
    }

    /// Every byte in either set.
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    /// Every byte in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut both = Self::new();
        while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
            if let Some(meet) = left.intersection(right) {
                both.push(meet);
            }
            if left.end() <= right.end() {
                a.next();
            } else {
                b.next();
            }
        }
        both
    }

    /// Every byte of a disk of `size_bytes` that is not in the set.
    pub fn complement(&self, size_bytes: u64) -> Self {
        let mut rest = Self::new();
        let mut at = 0;
        for extent in &self.0 {
            let start = extent.offset.min(size_bytes);
            rest.push(Extent::new(at, start.saturating_sub(at)));
            at = extent.end().min(size_bytes).max(at);
        }
        rest.push(Extent::new(at, size_bytes - at));
        rest
    }

    /// Every byte in `self` and not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let Some(last) = self.0.last() else { return Self::new() };
        self.intersection(&other.complement(last.end()))
    }

    /// Whether every byte of `other` is in `self`.
    pub fn contains_all(&self, other: &Self) -> bool {
        other.difference(self).is_empty()
    }

    /// Grows every run to whole blocks of `block_bytes`, cut at `size_bytes`.
    pub fn aligned(&self, block_bytes: u64, size_bytes: u64) -> Self {
        let mut wide = Self::new();
        for extent in &self.0 {
            let start = extent.offset - extent.offset % block_bytes;
            let end =
                extent.end().div_ceil(block_bytes).saturating_mul(block_bytes).min(size_bytes);
            wide.push(Extent::new(start, end.saturating_sub(start)));
        }
        wide
    }
}

impl FromIterator<Extent> for ExtentList {
    /// Takes runs in any order, overlapping or not.
    fn from_iter<T: IntoIterator<Item = Extent>>(extents: T) -> Self {
        let mut sorted: Vec<_> = extents.into_iter().collect();
        sorted.sort_unstable();
        let mut list = Self::new();
        for extent in sorted {
            list.push(extent);
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DISK: u64 = 96;

    fn list() -> impl Strategy<Value = ExtentList> {
        prop::collection::vec((0..DISK, 0..20u64), 0..8).prop_map(|runs| {
            runs.into_iter()
                .map(|(offset, length)| Extent::new(offset, length.min(DISK - offset)))
                .collect()
        })
    }

    /// The oracle: one bool a byte.
    fn bytes(list: &ExtentList) -> Vec<bool> {
        let mut bytes = vec![false; DISK as usize];
        for extent in list.as_slice() {
            bytes[extent.offset as usize..extent.end() as usize].fill(true);
        }
        bytes
    }

    fn zip(a: &ExtentList, b: &ExtentList, both: impl Fn(bool, bool) -> bool) -> Vec<bool> {
        bytes(a).into_iter().zip(bytes(b)).map(|(a, b)| both(a, b)).collect()
    }

    proptest! {
        #[test]
        fn runs_are_sorted_and_apart(a in list()) {
            for pair in a.as_slice().windows(2) {
                prop_assert!(pair[0].end() < pair[1].offset);
            }
        }

        #[test]
        fn set_algebra_agrees_with_bytes(a in list(), b in list()) {
            prop_assert_eq!(bytes(&a.union(&b)), zip(&a, &b, |a, b| a || b));
            prop_assert_eq!(bytes(&a.intersection(&b)), zip(&a, &b, |a, b| a && b));
            prop_assert_eq!(bytes(&a.difference(&b)), zip(&a, &b, |a, b| a && !b));
            prop_assert_eq!(bytes(&a.complement(DISK)), zip(&a, &a, |a, _| !a));
            prop_assert_eq!(a.contains_all(&b), zip(&a, &b, |a, b| b && !a).iter().all(|missing| !missing));
            prop_assert_eq!(a.bytes(), bytes(&a).iter().filter(|set| **set).count() as u64);
        }

        #[test]
        fn aligned_covers_and_is_aligned(a in list()) {
            let wide = a.aligned(7, DISK);
            prop_assert!(wide.contains_all(&a));
            for extent in wide.as_slice() {
                prop_assert_eq!(extent.offset % 7, 0);
                prop_assert!(extent.end() % 7 == 0 || extent.end() == DISK);
            }
        }

        #[test]
        fn push_out_of_order_gives_the_same_set(runs in prop::collection::vec((0..DISK, 0..20u64), 0..8)) {
            let runs: Vec<_> = runs.into_iter().map(|(o, l)| Extent::new(o, l)).collect();
            let mut pushed = ExtentList::new();
            for run in &runs {
                pushed.push(*run);
            }
            prop_assert_eq!(pushed, runs.into_iter().collect::<ExtentList>());
        }
    }
}
