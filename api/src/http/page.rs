use firn_db::{Direction, Page};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::links::Link;
use super::{ApiError, Call};

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SortDir {
    /// Smallest, or oldest, first.
    Asc,
    /// Largest, or newest, first.
    Desc,
}

impl From<SortDir> for Direction {
    fn from(direction: SortDir) -> Self {
        match direction {
            SortDir::Asc => Self::Ascending,
            SortDir::Desc => Self::Descending,
        }
    }
}

/// How many rows a client gets, from what it asked for.
pub(crate) fn limit(asked: Option<u32>, max: u32) -> Result<u32, ApiError> {
    match asked {
        None => Ok(max),
        Some(0) => Err(ApiError::field("limit", "must be at least 1")),
        Some(asked) => Ok(asked.min(max)),
    }
}

/// The page to ask the database for: one row more than is shown tells whether more follow.
pub(crate) fn page<Id, Sort>(
    call: &Call,
    asked: Option<u32>,
    marker: Option<Id>,
    sort: Sort,
    direction: Option<SortDir>,
) -> Result<Page<Id, Sort>, ApiError> {
    let limit = limit(asked, call.max_limit())?.saturating_add(1);
    let direction = direction.map_or(Direction::Descending, Direction::from);
    Ok(Page { limit, marker, sort, direction })
}

/// What a list shows, and the link to what follows.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    pub(crate) links: Vec<Link>,
}

impl<T> Listed<T> {
    /// Cuts `items`, read with a limit of one more than is shown.
    pub(crate) fn new(
        call: &Call,
        mut items: Vec<T>,
        read_limit: u32,
        marker: impl Fn(&T) -> String,
    ) -> Self {
        let shown = (read_limit as usize).saturating_sub(1);
        let more = items.len() > shown;
        items.truncate(shown);
        let links = match items.last().filter(|_| more) {
            Some(last) => vec![call.next_link(&marker(last))],
            None => Vec::new(),
        };
        Self { items, links }
    }

    pub(crate) fn map<U>(self, view: impl FnMut(T) -> U) -> Listed<U> {
        Listed { items: self.items.into_iter().map(view).collect(), links: self.links }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_bounded() {
        assert_eq!(limit(None, 1000).unwrap(), 1000);
        assert_eq!(limit(Some(7), 1000).unwrap(), 7);
        assert_eq!(limit(Some(u32::MAX), 1000).unwrap(), 1000);
        assert!(limit(Some(0), 1000).is_err());
    }
}
