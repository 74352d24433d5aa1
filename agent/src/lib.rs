//! Libvirt domain XML to disks
