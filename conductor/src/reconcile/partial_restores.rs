use std::io;

use firn_core::{ErrorKind, RestoreId, RestoreState};
use firn_db::Scope;

use crate::saga::PARTIAL_PREFIX;
use crate::services::Services;

/// A partial folder belongs to an unfinished restore, or to nobody.
pub(super) async fn remove(services: &Services) -> io::Result<()> {
    let mut folders = tokio::fs::read_dir(&services.config.restores_dir).await?;
    while let Some(folder) = folders.next_entry().await? {
        let name = folder.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(PARTIAL_PREFIX));
        let Some(id) = id.and_then(|id| id.parse().ok()).map(RestoreId) else { continue };
        let restore = move |conn: &mut _| firn_db::restore_get(conn, &Scope::All, id);
        let orphan = match services.database.run(restore).await {
            Ok(restore) => restore.state != RestoreState::Restoring,
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if orphan {
            tracing::info!(folder = %folder.path().display(), "removing a partial restore");
            tokio::fs::remove_dir_all(folder.path()).await?;
        }
    }
    Ok(())
}
