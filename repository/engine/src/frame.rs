//! The frame around small objects: magic, version, length, body, checksum.

use crate::format::{FRAME_BODY_BYTES_MAX, FRAME_CHECKSUM_BYTES, FRAME_HEADER_BYTES, VERSION};

/// Why a frame cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameError {
    /// A newer version wrote it.
    Version(u32),
    /// It is not what was written.
    Damaged(&'static str),
}

pub(crate) fn wrap(magic: [u8; 8], body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(FRAME_HEADER_BYTES + body.len() + FRAME_CHECKSUM_BYTES);
    frame.extend_from_slice(&magic);
    frame.extend_from_slice(&VERSION.to_le_bytes());
    frame.extend_from_slice(&(body.len() as u32).to_le_bytes());
    frame.extend_from_slice(body);
    let checksum = blake3::hash(&frame);
    frame.extend_from_slice(checksum.as_bytes());
    frame
}

pub(crate) fn unwrap(magic: [u8; 8], frame: &[u8]) -> Result<&[u8], FrameError> {
    let split = frame.len().checked_sub(FRAME_CHECKSUM_BYTES);
    let Some((content, checksum)) = split.map(|at| frame.split_at(at)) else {
        return Err(FrameError::Damaged("it is cut short"));
    };
    if blake3::hash(content) != *checksum {
        return Err(FrameError::Damaged("its checksum does not match"));
    }
    let Some(rest) = content.strip_prefix(&magic) else {
        return Err(FrameError::Damaged("it is another kind of object"));
    };
    let (Some(version), Some(length)) = (field(rest, 0), field(rest, 4)) else {
        return Err(FrameError::Damaged("it is cut short"));
    };
    if version != VERSION {
        return Err(FrameError::Version(version));
    }
    let body = rest.get(8..).unwrap_or_default();
    if body.len() != length as usize || body.len() > FRAME_BODY_BYTES_MAX {
        return Err(FrameError::Damaged("its length does not match"));
    }
    Ok(body)
}

/// The little-endian number at a place.
pub(crate) fn field(bytes: &[u8], at: usize) -> Option<u32> {
    let (number, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u32::from_le_bytes(*number))
}

/// The little-endian number at a place.
pub(crate) fn field64(bytes: &[u8], at: usize) -> Option<u64> {
    let (number, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u64::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flip_and_every_cut_is_seen() {
        let frame = wrap(*b"FIRNTEST", b"some body");
        assert_eq!(unwrap(*b"FIRNTEST", &frame), Ok(b"some body".as_slice()));
        assert!(unwrap(*b"FIRNELSE", &frame).is_err());
        for bit in 0..frame.len() * 8 {
            let mut bad = frame.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(unwrap(*b"FIRNTEST", &bad).is_err(), "bit {bit}");
        }
        for length in 0..frame.len() {
            assert!(unwrap(*b"FIRNTEST", &frame[..length]).is_err(), "length {length}");
        }
    }
}
