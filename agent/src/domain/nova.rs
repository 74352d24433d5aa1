//! What Nova writes into `<metadata>`. Its namespace changes its last part with new fields, so
//! any version is read.

use firn_core::{NamedId, NovaFlavor, NovaPort, NovaServer};

use super::{DomainError, value};
use crate::xml::Element;

const NAMESPACE: &str = "http://openstack.org/xmlns/libvirt/nova/";

pub(super) fn read(root: &Element) -> Result<Option<NovaServer>, DomainError> {
    let Some(instance) = root.child("metadata").and_then(|metadata| child(metadata, "instance"))
    else {
        return Ok(None);
    };
    let owner = child(instance, "owner");
    let named = |name| owner.and_then(|owner| child(owner, name)).map(named_id).transpose();
    let image = child(instance, "root").filter(|root| root.attribute("type") == Some("image"));
    let release = child(instance, "package")
        .and_then(|package| package.attribute("version").map(str::to_owned));
    Ok(Some(NovaServer {
        name: text(instance, "name").map(|name| value::name("<nova:name>", name)).transpose()?,
        created_at: text(instance, "creationTime").map(str::to_owned),
        release,
        flavor: child(instance, "flavor").map(flavor).transpose()?,
        project: named("project")?,
        user: named("user")?,
        image_id: image.and_then(|image| image.attribute("uuid")).map(str::to_owned),
        ports: child(instance, "ports").map(ports).unwrap_or_default(),
    }))
}

fn children<'a>(parent: &'a Element, name: &str) -> impl Iterator<Item = &'a Element> {
    parent.children.iter().filter(move |child| {
        child.name == name
            && child.namespace.as_deref().is_some_and(|uri| uri.starts_with(NAMESPACE))
    })
}

fn child<'a>(parent: &'a Element, name: &str) -> Option<&'a Element> {
    children(parent, name).next()
}

fn text<'a>(parent: &'a Element, name: &str) -> Option<&'a str> {
    child(parent, name).and_then(Element::text)
}

fn named_id(element: &Element) -> Result<NamedId, DomainError> {
    let place = format!("<nova:{}>", element.name);
    let id = value::required_attribute(element, "uuid", &place)?;
    let id = value::name(&format!("{place}: uuid"), id)?;
    Ok(NamedId { id, name: element.text().unwrap_or_default().to_owned() })
}

fn flavor(element: &Element) -> Result<NovaFlavor, DomainError> {
    fn amount<T: std::str::FromStr + Default>(
        flavor: &Element,
        name: &str,
    ) -> Result<T, DomainError> {
        text(flavor, name).map_or_else(
            || Ok(T::default()),
            |number| value::number(&format!("<nova:flavor>: <nova:{name}>"), number),
        )
    }
    let specs = child(element, "extraSpecs");
    let spec = |spec: &Element| {
        Some((spec.attribute("name")?.to_owned(), spec.text().unwrap_or_default().to_owned()))
    };
    Ok(NovaFlavor {
        name: element.attribute("name").unwrap_or_default().to_owned(),
        id: element.attribute("id").map(str::to_owned),
        memory_mib: amount(element, "memory")?,
        disk_gib: amount(element, "disk")?,
        ephemeral_gib: amount(element, "ephemeral")?,
        swap_mib: amount(element, "swap")?,
        vcpus: amount(element, "vcpus")?,
        extra_specs: specs
            .into_iter()
            .flat_map(|specs| children(specs, "extraSpec"))
            .filter_map(spec)
            .collect(),
    })
}

fn ports(element: &Element) -> Vec<NovaPort> {
    let addresses = |port| {
        children(port, "ip").filter_map(|ip| ip.attribute("address")).map(str::to_owned).collect()
    };
    children(element, "port")
        .filter_map(|port| {
            Some(NovaPort { id: port.attribute("uuid")?.to_owned(), addresses: addresses(port) })
        })
        .collect()
}
