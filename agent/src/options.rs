use std::path::PathBuf;

oslo_config::options! {
    /// The agent of a host.
    pub struct AgentConfig in "agent" {
        /// libvirt, by its connection URI. Empty: libvirt is not asked.
        pub libvirt_uri: String = "qemu:///system";
        /// Folder of *.xml domain files for a host without libvirt. With libvirt, only the
        /// domains that have a file here are shown.
        pub domain_dir: Option<PathBuf>;
        /// The ceph.conf of each cluster that the host uses: conductors are told fsid and monitors.
        /// What does not exist is passed over.
        pub ceph_conf: Vec<PathBuf> = ["/etc/ceph/ceph.conf"];
        /// How often the conductors are told that this agent lives, in seconds.
        pub report_interval: u64 = 10, min 1, max 300;
        /// How long libvirt may take for one answer, in seconds.
        pub deadline: u64 = 20, min 1, max 600;
        /// How long a guest may be frozen for its snapshots at most, in seconds.
        pub freeze_seconds: u64 = 60, min 5, max 600;
        /// Folder in which is written down which guests are frozen.
        pub state_path: PathBuf = "/var/lib/firn/agent";
    }
}
