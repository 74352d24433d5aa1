use crate::BackupMode;

/// How the next point of an instance is made: a full one first, and again when the newest
/// `full_every` − 1 points are all incremental. `full_every` 0 means only the first, 1 every one.
///
/// `newest_first` holds the modes of the plan's usable points of that instance.
pub fn next_mode(full_every: u32, newest_first: &[BackupMode]) -> BackupMode {
    let recent = match full_every {
        0 => newest_first,
        every => {
            let since = usize::try_from(every - 1).unwrap_or(usize::MAX);
            &newest_first[..since.min(newest_first.len())]
        }
    };
    // With 0, incrementals that outlived their full one are as good a base as any: there is no
    // chain. Otherwise the count starts at a full one that still exists.
    let based = match full_every {
        0 => !recent.is_empty(),
        _ => recent.contains(&BackupMode::Full),
    };
    if based { BackupMode::Incremental } else { BackupMode::Full }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BackupMode::{Full as F, Incremental as I};

    #[test]
    fn every_case() {
        for (every, newest_first, expected) in [
            (0, vec![], F),
            (0, vec![F], I),
            (0, vec![I, I, I], I),
            (1, vec![], F),
            (1, vec![F], F),
            (1, vec![I], F),
            (2, vec![F], I),
            (2, vec![I, F], F),
            (3, vec![F], I),
            (3, vec![I, F], I),
            (3, vec![I, I, F], F),
            (3, vec![I], F),
            (7, vec![I; 6], F),
            (7, vec![I, I, I, I, I, F], I),
            (7, vec![I, I, I, I, I, I, F], F),
            (u32::MAX, vec![I, I, F], I),
        ] {
            assert_eq!(next_mode(every, &newest_first), expected, "{every} {newest_first:?}");
        }
    }

    #[test]
    fn a_full_one_comes_exactly_every_n() {
        for every in 1..10 {
            let mut history: Vec<BackupMode> = Vec::new();
            for turn in 0..50 {
                let mode = next_mode(every, &history);
                assert_eq!(mode == F, turn % every == 0, "every {every}, turn {turn}");
                history.insert(0, mode);
            }
        }
    }
}
