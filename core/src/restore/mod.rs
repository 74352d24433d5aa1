mod file_name;
mod state;
mod target;

pub use file_name::{FileName, FileNameError};
pub use state::{RestoreEvent, RestoreState};
pub use target::{NewInstance, NovaDisks, RestoreTarget, VolumeTarget};
