use std::path::PathBuf;

oslo_config::options! {
    /// Who may do what. The names are those of oslo.policy.
    pub struct OsloPolicyOptions in "oslo_policy" {
        /// File with the rules that differ from the defaults; a relative name is searched in the
        /// folders of the configuration files. It need not exist, and is read again when it
        /// changes.
        pub policy_file: PathBuf = "policy.yaml";
        /// Folders with further such files, each over those before it by name. They need not
        /// exist.
        pub policy_dirs: Vec<PathBuf> = ["policy.d"], multi;
    }
}
