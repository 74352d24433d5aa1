use std::cmp::Ordering;

use firn_db::{Direction, Page};

use super::links::Link;
use super::{ApiError, Call, Filters, List};

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortDir {
    /// Smallest, or oldest, first.
    Asc,
    /// Largest, or newest, first.
    Desc,
}

impl SortDir {
    fn turn(self, order: Ordering) -> Ordering {
        match self {
            Self::Asc => order,
            Self::Desc => order.reverse(),
        }
    }
}

impl From<SortDir> for Direction {
    fn from(direction: SortDir) -> Self {
        match direction {
            SortDir::Asc => Self::Ascending,
            SortDir::Desc => Self::Descending,
        }
    }
}

impl Call {
    /// How many rows to read: what the client gets, and one more to learn whether more follow.
    pub(crate) fn read_limit(&self, asked: Option<u32>) -> u32 {
        let max = self.max_limit();
        asked.map_or(max, |asked| asked.min(max)).saturating_add(1)
    }

    /// The page to ask the database for.
    pub(crate) fn page<F, Id, Sort>(
        &self,
        list: &List<F>,
        id: impl Fn(F::Marker) -> Id,
    ) -> Result<Page<Id, Sort>, ApiError>
    where
        F: Filters,
        F::Marker: Clone,
        Sort: From<F::Key> + Default,
    {
        if list.sort.len() > 1 {
            return Err(ApiError::field("sort", "this list is sorted by one key at a time"));
        }
        let (sort, direction) = match list.sort.first() {
            Some((key, direction)) => (Sort::from(*key), Direction::from(*direction)),
            None => (Sort::default(), Direction::default()),
        };
        let limit = self.read_limit(list.limit);
        Ok(Page { limit, marker: list.marker.clone().map(id), sort, direction })
    }
}

impl Call {
    /// A page of what is in memory.
    pub(crate) fn page_of<F, T>(
        &self,
        list: &List<F>,
        mut items: Vec<T>,
        id: impl Fn(&T) -> F::Marker,
        compare: impl Fn(&T, &T, F::Key) -> Ordering,
    ) -> Result<Listed<T>, ApiError>
    where
        F: Filters,
        F::Marker: Ord + ToString,
    {
        items.sort_by(|a, b| {
            let mut last = SortDir::Asc;
            for (key, direction) in &list.sort {
                last = *direction;
                let order = compare(a, b, *key);
                if order.is_ne() {
                    return direction.turn(order);
                }
            }
            last.turn(id(a).cmp(&id(b)))
        });
        if let Some(marker) = &list.marker {
            let at = items.iter().position(|item| id(item) == *marker);
            let at = at.ok_or_else(|| ApiError::field("marker", "no row of this list has it"))?;
            items.drain(..=at);
        }
        let limit = self.read_limit(list.limit);
        items.truncate(limit as usize);
        Ok(Listed::new(self, items, limit, |item| id(item).to_string()))
    }
}

/// What a list shows, and the link to what follows.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    pub(crate) links: Vec<Link>,
}

impl<T> Listed<T> {
    /// All there is.
    pub(crate) const fn whole(items: Vec<T>) -> Self {
        Self { items, links: Vec::new() }
    }

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
