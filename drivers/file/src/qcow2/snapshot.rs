use super::bytes::{Fields, ReadAt, read};
use super::error::Qcow2Error;
use super::header::Header;

const COUNT_LIMIT: u32 = 65_536;
const TABLE_LIMIT: u64 = 64 << 20;
const FIXED: usize = 40;

/// A digest of the table of internal snapshots: another one means that a snapshot was made or
/// removed, which may have exchanged the disk's content behind every bitmap's back.
///
/// # Errors
/// A table beyond the format's limits or the file's end.
pub(crate) fn snapshot_digest(
    source: &(impl ReadAt + ?Sized),
    header: &Header,
) -> Result<String, Qcow2Error> {
    const WHAT: &str = "snapshot table";
    let (count, mut at) = header.snapshots;
    if count > COUNT_LIMIT {
        return Err(Qcow2Error::Damaged { what: WHAT });
    }
    let mut hasher = blake3::Hasher::new();
    for _ in 0..count {
        let fixed = read(source, WHAT, at, FIXED)?;
        let mut fields = Fields::new(&fixed, WHAT);
        fields.take(12)?;
        let (id, name) = (fields.u16()?, fields.u16()?);
        fields.take(20)?;
        let extra = fields.u32()?;
        let variable = (extra as usize)
            .checked_add(usize::from(id) + usize::from(name))
            .filter(|length| (*length as u64) <= TABLE_LIMIT)
            .ok_or_else(|| fields.damaged())?;
        let next = at.checked_add(FIXED as u64).ok_or_else(|| fields.damaged())?;
        hasher.update(&fixed).update(&read(source, WHAT, next, variable)?);
        at = ((FIXED + variable) as u64)
            .checked_next_multiple_of(8)
            .and_then(|length| at.checked_add(length))
            .filter(|at| *at - header.snapshots.1 <= TABLE_LIMIT)
            .ok_or_else(|| fields.damaged())?;
    }
    Ok(format!("{count}:{}", hasher.finalize().to_hex()))
}
