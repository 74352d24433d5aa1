//! Every number and name that is part of the format, as `docs/FORMAT.md` specifies them.
//!
//! Nothing in this file changes within a format version. A new version adds beside it.

/// Version written into every object.
pub(crate) const VERSION: u32 = 1;

// --- Names of objects -----------------------------------------------------------------------

/// Parameters of the repository.
pub(crate) const CONFIG: &str = "config";
/// Folder of the wrapped data keys.
pub(crate) const KEYS: &str = "keys/";
/// What is added to the name of an object's second copy.
pub(crate) const COPY: &str = ".copy";
/// Folder of the packs, by the first two digits of their ids.
pub(crate) const PACKS: &str = "packs/";
/// Folder of the index segments.
pub(crate) const INDEX: &str = "index/";
/// Folder of the restore-point records.
pub(crate) const POINTS: &str = "points/";
/// Folder of the markers of running sessions.
pub(crate) const SESSIONS: &str = "sessions/";
/// Folder of the notes on damaged blobs and packs.
pub(crate) const QUARANTINE: &str = "quarantine/";

// --- Frames -----------------------------------------------------------------------------------

/// Starts the config object.
pub(crate) const MAGIC_CONFIG: [u8; 8] = *b"FIRNCONF";
/// Starts a key slot.
pub(crate) const MAGIC_KEY: [u8; 8] = *b"FIRNKEYS";
/// Starts a restore-point record.
pub(crate) const MAGIC_POINT: [u8; 8] = *b"FIRNPOIN";
/// Starts a session marker.
pub(crate) const MAGIC_SESSION: [u8; 8] = *b"FIRNSESS";
/// Starts a quarantine note.
pub(crate) const MAGIC_QUARANTINE: [u8; 8] = *b"FIRNQUAR";
/// Magic, version, body length.
pub(crate) const FRAME_HEADER_BYTES: usize = 16;
/// BLAKE3 of everything before it.
pub(crate) const FRAME_CHECKSUM_BYTES: usize = 32;
/// Longest body of a frame.
pub(crate) const FRAME_BODY_BYTES_MAX: usize = 64 << 20;

// --- Cryptography -----------------------------------------------------------------------------

/// Bytes of the master key, the data key and every derived key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of an AES-GCM nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// Bytes of an AES-GCM tag.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes of a master key's public fingerprint.
pub(crate) const FINGERPRINT_BYTES: usize = 16;
/// First line of a key file.
pub(crate) const KEY_FILE_HEADER: &str = "firn master key 1";
/// The data key is wrapped with AES-256-GCM under a key file's key.
pub(crate) const WRAP_KEY_FILE: u8 = 1;

/// Fingerprint of a master key. Material: the master key.
pub(crate) const CONTEXT_FINGERPRINT: &str = "firn v1 master key fingerprint";
/// Key that wraps the data key. Material: the master key.
pub(crate) const CONTEXT_WRAP: &str = "firn v1 data key wrapping";
/// Key that names the data chunks of a domain. Material: data key, domain.
pub(crate) const CONTEXT_DATA_ID: &str = "firn v1 data chunk id";
/// Key that names the map nodes of a domain. Material: data key, domain.
pub(crate) const CONTEXT_NODE_ID: &str = "firn v1 map node id";
/// Key that seals a pack. Material: data key, pack id.
pub(crate) const CONTEXT_PACK: &str = "firn v1 pack";
/// Key that authenticates an index segment. Material: data key, segment id.
pub(crate) const CONTEXT_SEGMENT: &str = "firn v1 index segment";
/// Key that seals a restore-point record. Material: data key, point id.
pub(crate) const CONTEXT_POINT: &str = "firn v1 restore point";

/// Starts the associated data of a blob.
pub(crate) const AAD_BLOB: [u8; 8] = *b"firnblob";
/// Starts the associated data of a pack's trailer.
pub(crate) const AAD_TRAILER: [u8; 8] = *b"firntail";
/// Starts the associated data of a key slot.
pub(crate) const AAD_KEY: [u8; 8] = *b"firnkeys";

// --- Chunks -----------------------------------------------------------------------------------

/// Bytes of a chunk id.
pub(crate) const CHUNK_ID_BYTES: usize = 32;
/// Smallest chunk size of a repository.
pub(crate) const CHUNK_BYTES_MIN: u32 = 64 << 10;
/// Largest chunk size of a repository.
pub(crate) const CHUNK_BYTES_MAX: u32 = 4 << 20;
/// Chunk size of a repository whose creator names none.
pub(crate) const CHUNK_BYTES_DEFAULT: u32 = 256 << 10;

// --- Packs ------------------------------------------------------------------------------------

/// Bytes of a pack's or segment's id.
pub(crate) const OBJECT_ID_BYTES: usize = 16;
/// Starts a pack.
pub(crate) const MAGIC_PACK: [u8; 8] = *b"FIRNPACK";
/// Ends a pack.
pub(crate) const MAGIC_PACK_END: [u8; 8] = *b"FIRNTAIL";
/// Magic, version, zeros, pack id.
pub(crate) const PACK_HEADER_BYTES: usize = 32;
/// Trailer offset, trailer length, entry count, version, zeros, magic.
pub(crate) const PACK_FOOTER_BYTES: usize = 32;
/// Chunk id, offset, stored length, form.
pub(crate) const PACK_ENTRY_BYTES: usize = CHUNK_ID_BYTES + 12;
/// A pack is closed once its blobs reach this many bytes.
pub(crate) const PACK_TARGET_BYTES: usize = 32 << 20;
/// No pack is longer than this.
pub(crate) const PACK_BYTES_MAX: usize = 1 << 30;

/// Bits of a form that hold the plain length.
pub(crate) const FORM_LENGTH_MASK: u32 = 0x00ff_ffff;
/// Bit of a form: the payload is a zstd frame.
pub(crate) const FORM_ZSTD: u32 = 1 << 30;
/// Bit of a form: the chunk is a map node.
pub(crate) const FORM_NODE: u32 = 1 << 31;

// --- Map --------------------------------------------------------------------------------------

/// Children of a map node.
pub(crate) const NODE_FANOUT: usize = 1024;
/// Level, zero, count, zeros.
pub(crate) const NODE_HEADER_BYTES: usize = 8;
/// One bit a child.
pub(crate) const NODE_BITMAP_BYTES: usize = NODE_FANOUT / 8;
/// Highest tree: more than any `u64` size needs with the smallest chunks.
pub(crate) const MAP_LEVELS_MAX: u8 = 5;

// --- Index ------------------------------------------------------------------------------------

/// Starts a segment.
pub(crate) const MAGIC_SEGMENT: [u8; 8] = *b"FIRNINDX";
/// Ends a segment.
pub(crate) const MAGIC_SEGMENT_END: [u8; 8] = *b"FIRNXEND";
/// Fixed part at a segment's start.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 128;
/// Fixed part at a segment's end.
pub(crate) const SEGMENT_FOOTER_BYTES: usize = 64;
/// Chunk id, pack ordinal, offset, stored length, form.
pub(crate) const SEGMENT_ENTRY_BYTES: usize = CHUNK_ID_BYTES + 16;
/// A segment is authenticated in blocks of this size.
pub(crate) const SEGMENT_BLOCK_BYTES: usize = 64 << 10;
/// Bytes of a block's keyed BLAKE3.
pub(crate) const SEGMENT_CHECKSUM_BYTES: usize = 16;
/// Entries of a fan-out bucket that a writer aims at.
pub(crate) const SEGMENT_BUCKET_ENTRIES: u64 = 64;
/// Highest number of fan-out bits.
pub(crate) const SEGMENT_FANOUT_BITS_MAX: u32 = 20;
/// Bytes of a filter block.
pub(crate) const FILTER_BLOCK_BYTES: usize = 64;
/// Filter bits an entry.
pub(crate) const FILTER_BITS_PER_ENTRY: u64 = 12;
/// Bits that an id sets in its filter block.
pub(crate) const FILTER_PROBES: u32 = 6;
