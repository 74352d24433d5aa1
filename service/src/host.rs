oslo_config::options! {
    /// The machine that a process runs on.
    pub struct HostOptions in "DEFAULT" {
        /// Name of this host in the service, unique and stable over restarts. For an agent, the
        /// name that Nova knows the hypervisor by.
        pub host: String = host_name(), sample "<the machine's name>";
    }
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
