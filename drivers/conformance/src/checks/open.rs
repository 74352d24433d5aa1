use firn_driver_sdk::{Access, ErrorKind, Location};
use serde_json::json;

use crate::bench::{Bench, expect_content, expect_error};
use crate::report::Checked;

pub(super) fn absent(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("open-absent")?;
    bench.fixture.remove_disk(&sample.disk)?;
    let opened = bench.open(sample.location(), None, Access::ReadOnly);
    expect_error(opened, &[ErrorKind::NotFound], "open of an absent disk")?;
    if bench.fixture.disk_capabilities().write {
        let opened = bench.open(sample.location(), None, Access::Writable);
        expect_error(opened, &[ErrorKind::NotFound], "open of an absent disk to write")?;
    }
    Ok(())
}

pub(super) fn nobody(bench: &Bench<'_>) -> Checked {
    let nested = (0..100).fold(json!(1), |inner, _| json!([inner]));
    for location in [json!(null), json!({}), json!([1, 2]), json!(-7), nested] {
        let opened = bench.open(&Location(location.clone()), None, Access::ReadOnly);
        expect_error(opened, &[ErrorKind::InvalidInput], &format!("open of {location}"))?;
    }
    Ok(())
}

pub(super) fn twice(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("open-twice")?;
    let first = bench.open_to_read(sample.location())?;
    let second = bench.open_to_read(sample.location())?;
    expect_content(&*first, &sample.content)?;
    first.close()?;
    expect_content(&*second, &sample.content)?;
    Ok(second.close()?)
}
