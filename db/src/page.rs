use firn_core::ProjectId;

/// Whose rows a query may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's: for administrators and for our own services.
    All,
    /// One project's. Another project's rows do not exist for it.
    Project(ProjectId),
}

impl Scope {
    pub(crate) fn project(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Project(project) => Some(&project.0),
        }
    }
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest, or newest, first.
    #[default]
    Descending,
}

/// One page of a list: the rows after `marker` in the order of (`sort`, id).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<Id, Sort> {
    /// At most that many rows. To learn whether more follow, ask for one more than is shown.
    pub limit: u32,
    /// The last row of the page before. Where no such row is in scope, the answer is
    /// `InvalidInput`.
    pub marker: Option<Id>,
    /// What to sort by.
    pub sort: Sort,
    /// Which way; ids follow the same way.
    pub direction: Direction,
}

impl<Id, Sort: Default> Page<Id, Sort> {
    /// The first `limit` rows by the default order, newest first.
    pub fn first(limit: u32) -> Self {
        Self { limit, marker: None, sort: Sort::default(), direction: Direction::default() }
    }
}

/// Narrows a boxed query to what was made from a time on, and before a time.
macro_rules! created_between {
    ($query:expr, $column:expr, $filter:expr) => {{
        let mut query = $query;
        if let Some(since) = $filter.created_since {
            query = query.filter($column.ge($crate::stored::Time::from(since).0));
        }
        if let Some(until) = $filter.created_until {
            query = query.filter($column.lt($crate::stored::Time::from(until).0));
        }
        query
    }};
}

pub(crate) use created_between;

/// Puts a boxed query behind its marker and in order. The marker is `Option<(key, id text)>`.
///
/// The condition begins with a plain range of the key, so that an index can be entered there.
macro_rules! keyset {
    ($query:expr, $direction:expr, $column:expr, $id:expr, $marker:expr) => {{
        let mut query = $query;
        let marker = $marker;
        match $direction {
            $crate::Direction::Ascending => {
                if let Some((key, id)) = marker {
                    let after = $column.gt(key.clone()).or($id.gt(id));
                    query = query.filter($column.ge(key).and(after));
                }
                query.order(($column.asc(), $id.asc()))
            }
            $crate::Direction::Descending => {
                if let Some((key, id)) = marker {
                    let after = $column.lt(key.clone()).or($id.lt(id));
                    query = query.filter($column.le(key).and(after));
                }
                query.order(($column.desc(), $id.desc()))
            }
        }
    }};
}

pub(crate) use keyset;
