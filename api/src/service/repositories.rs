use std::collections::HashMap;

use firn_core::RepositoryId;
use firn_db::{Connection, DbError, Direction, Page, RepositorySort};

use crate::http::{ApiError, Call};
use crate::wire::{PointSums, RepositoryView};

/// An installation has a handful.
const REPOSITORIES_MAX: u32 = 1000;

impl Call {
    /// All repositories, by name.
    pub(crate) async fn repository_list(&self) -> Result<Vec<RepositoryView>, ApiError> {
        let page = Page {
            limit: REPOSITORIES_MAX,
            marker: None,
            sort: RepositorySort::Name,
            direction: Direction::Ascending,
        };
        self.query(move |conn| {
            let repositories = firn_db::repository_list(conn, &page)?;
            let sums = sums(conn)?;
            let view = |repository: firn_db::Repository| {
                let of_it = sums.get(&repository.id).copied().unwrap_or_default();
                RepositoryView::new(repository, of_it)
            };
            Ok(repositories.into_iter().map(view).collect())
        })
        .await
    }

    /// One repository.
    pub(crate) async fn repository_show(
        &self,
        id: RepositoryId,
    ) -> Result<RepositoryView, ApiError> {
        self.query(move |conn| {
            let repository = firn_db::repository_get(conn, id)?;
            let of_it = sums(conn)?.get(&id).copied().unwrap_or_default();
            Ok(RepositoryView::new(repository, of_it))
        })
        .await
    }

    /// The repository of a request: the named one, else the default.
    pub(super) async fn repository_choose(
        &self,
        named: Option<RepositoryId>,
    ) -> Result<RepositoryId, ApiError> {
        if let Some(id) = named {
            return Ok(self.query(move |conn| firn_db::repository_get(conn, id)).await?.id);
        }
        let name = self.service.config.default_repository.clone();
        let found = self.query(move |conn| firn_db::repository_find(conn, &name)).await?;
        found.map(|repository| repository.id).ok_or_else(|| {
            ApiError::conflict("there is no default repository: name one in repository_id")
        })
    }
}

fn sums(conn: &mut Connection) -> Result<HashMap<RepositoryId, PointSums>, DbError> {
    let mut sums: HashMap<_, PointSums> = HashMap::new();
    for (id, new_bytes, stored_bytes) in firn_db::point_sizes(conn)? {
        let sum = sums.entry(id).or_default();
        sum.new_bytes = sum.new_bytes.saturating_add(new_bytes);
        sum.stored_bytes = sum.stored_bytes.saturating_add(stored_bytes);
    }
    Ok(sums)
}
