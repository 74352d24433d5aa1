//! Options from the environment: `OS_<GROUP>__<OPTION>`, in capitals.

use std::collections::BTreeMap;

/// The variables that may set options.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    pub(crate) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = |name: &str| name.starts_with("OS_") && name.contains("__");
        Self { variables: variables.into_iter().filter(|(name, _)| ours(name)).collect() }
    }

    /// The process's environment. Variables that are not UTF-8 are none of ours.
    pub(crate) fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.into_string().ok();
        Self::new(std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))))
    }

    pub(crate) fn name(group: &str, option: &str) -> String {
        format!("OS_{}__{}", group.to_uppercase(), option.to_uppercase())
    }

    pub(crate) fn get(&self, group: &str, option: &str) -> Option<(String, &str)> {
        let name = Self::name(group, option);
        let value = self.variables.get(&name)?;
        Some((name, value))
    }

    /// The options, in small letters, that variables set in a group.
    pub(crate) fn options_of(&self, group: &str) -> Vec<String> {
        let prefix = Self::name(group, "");
        let options = self.variables.keys().filter_map(|name| name.strip_prefix(&prefix));
        options.filter(|option| !option.is_empty()).map(str::to_lowercase).collect()
    }
}
