"""What tenants find in a new cloud: an image, flavors, volume types, a network. May run again."""

from cloud.connection import STATE, connect

# Name, root GiB, ephemeral GiB; a server of `volume` boots from a volume.
FLAVORS = (("root", 1, 0), ("root-ephemeral", 1, 1), ("volume", 0, 0))
# Those pinned to a backend have its name; `any` goes where the scheduler likes.
TYPES = {"standard": True, "fast": True, "any": False}
IMAGE = "console-guest"


def main():
    cloud = connect()
    if not (image := cloud.image.find_image(IMAGE)) or image.status != "active":
        cloud.create_image(
            IMAGE, filename=str(STATE / "guest.raw"), disk_format="raw", container_format="bare",
            visibility="public", wait=True, use_import=False, min_disk=1,
        )  # fmt: skip
    flavors = {flavor.name for flavor in cloud.compute.flavors()}
    for name, root, ephemeral in FLAVORS:
        if name not in flavors:
            cloud.compute.create_flavor(
                name=name, ram=192, vcpus=1, disk=root, ephemeral=ephemeral
            )
    types = {kind.name for kind in cloud.block_storage.types()}
    for name, pinned in TYPES.items():
        if name not in types:
            specs = {"volume_backend_name": name} if pinned else {}
            cloud.block_storage.create_type(name=name, extra_specs=specs)
    if not cloud.network.find_network("shared"):
        network = cloud.network.create_network(name="shared", is_shared=True)
        cloud.network.create_subnet(
            name="shared", network_id=network.id, ip_version=4, cidr="10.0.0.0/24",
            gateway_ip=None, is_dhcp_enabled=False,
        )  # fmt: skip


if __name__ == "__main__":
    main()
