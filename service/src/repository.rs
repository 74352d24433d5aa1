use std::path::PathBuf;

oslo_config::options! {
    /// Where restore points are kept. Conductors open it, `firn-manage` makes it.
    pub struct RepositoryOptions in "repository" {
        /// Name, as the API shows it.
        pub name: String = "default";
        /// Folder, the same on every conductor. `firn-manage repository create` makes it.
        pub path: PathBuf = "/var/lib/firn/repository";
        /// File with the master key, the same on every conductor. Without it nothing can be
        /// restored: keep a copy elsewhere.
        pub key_file: PathBuf = "/etc/firn/repository.key";
    }
}
