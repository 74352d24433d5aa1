//! Pseudo-random content that a seed names.

use std::time::{SystemTime, UNIX_EPOCH};

/// What bytes look like.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// Cannot be compressed.
    Random(u64),
    /// Like text: of few different bytes, so that compressing takes time and helps.
    Text(u64),
}

impl Content {
    /// The first `length` bytes.
    pub fn bytes(self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        match self {
            Self::Random(seed) => stream(seed).fill(&mut bytes),
            Self::Text(seed) => {
                stream(seed).fill(&mut bytes);
                for byte in &mut bytes {
                    *byte = b' ' + (*byte & 0x0f);
                }
            }
        }
        bytes
    }
}

fn stream(seed: u64) -> blake3::OutputReader {
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof()
}

/// A seed from the environment variable `name`, or a new one; printed, so that a failure can be
/// repeated.
pub fn random_seed(name: &str) -> u64 {
    let given = std::env::var(name).ok().map(|text| {
        text.parse().unwrap_or_else(|error| panic!("{name}={text} is no number: {error}"))
    });
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = given.unwrap_or_else(now);
    eprintln!("{name}={seed}");
    seed
}
