use crate::bench::Bench;
use crate::report::{Checked, Stop, ensure};

pub(super) fn descriptor(bench: &Bench<'_>) -> Checked {
    let descriptor = bench.driver.descriptor();
    let name = &descriptor.name;
    ensure!(
        !name.is_empty()
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')),
        "the name {name:?} is not made of lower-case letters, digits and _"
    );
    ensure!(!descriptor.vendor.is_empty(), "the vendor is empty");
    ensure!(!descriptor.version.is_empty(), "the version is empty");
    ensure!(bench.driver.descriptor() == descriptor, "the descriptor changes between calls");
    Ok(())
}

pub(super) fn capabilities(bench: &Bench<'_>) -> Checked {
    let (claimed, due) = (bench.driver.capabilities(), bench.fixture.capabilities());
    ensure!(claimed == due, "the driver claims {claimed:?}; its fixture says {due:?}");
    Ok(())
}

/// This machine is something to the storage: a LUN cannot be mapped to nobody.
pub(super) fn connector(bench: &Bench<'_>) -> Checked {
    if !bench.fixture.capabilities().connections {
        return Err(Stop::LeftOut);
    }
    let connector = bench.driver.connector()?;
    ensure!(!connector.host.is_empty(), "the connector names no host");
    ensure!(
        connector.ip.is_some() || connector.initiator.is_some() || !connector.wwpns.is_empty(),
        "the connector has neither an address nor an initiator nor a port"
    );
    ensure!(bench.driver.connector()? == connector, "the connector changes between calls");
    Ok(())
}
