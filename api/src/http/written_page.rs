use serde::Serialize;
use uuid::Uuid;

use super::fields::{Fields, unwritten};
use super::{ApiError, Call, Link, Pieces};

/// A page of a list in JSON, written row by row as the database gives them.
pub(crate) struct WrittenPage {
    /// What the rows are called.
    name: &'static str,
    fields: Fields,
    /// One more than is shown, to learn whether more follow.
    read_limit: u32,
    rows: u32,
    /// The last that is shown.
    last: Option<Uuid>,
    /// Where a row is written first: many short words, for which one buffer is cheaper than
    /// pieces.
    row: Vec<u8>,
    written: Result<Pieces, serde_json::Error>,
}

impl WrittenPage {
    pub(crate) fn new(name: &'static str, fields: Fields, read_limit: u32) -> Self {
        let mut pieces = Pieces::default();
        pieces.push(format!("{{\"{name}\":[").as_bytes());
        let (row, written) = (Vec::new(), Ok(pieces));
        Self { name, fields, read_limit, rows: 0, last: None, row, written }
    }

    /// How many rows are to be read.
    pub(crate) const fn read_limit(&self) -> u32 {
        self.read_limit
    }

    /// Takes the next row.
    pub(crate) fn row<V: Serialize>(&mut self, id: Uuid, view: impl FnOnce() -> V) {
        self.rows += 1;
        let Ok(pieces) = &mut self.written else { return };
        if self.rows >= self.read_limit {
            return;
        }
        self.row.clear();
        if self.last.replace(id).is_some() {
            self.row.push(b',');
        }
        match self.fields.write_row(&mut self.row, &view()) {
            Ok(()) => pieces.push(&self.row),
            Err(error) => self.written = Err(error),
        }
    }

    /// The whole of it.
    pub(crate) fn end(self, call: &Call) -> Result<Pieces, ApiError> {
        self.end_with(|last| call.next_link(&last.to_string())).map_err(unwritten)
    }

    fn end_with(self, next: impl FnOnce(Uuid) -> Link) -> Result<Pieces, serde_json::Error> {
        let mut pieces = self.written?;
        pieces.push(b"]");
        if let Some(last) = self.last.filter(|_| self.rows >= self.read_limit) {
            pieces.push(format!(",\"{}_links\":", self.name).as_bytes());
            serde_json::to_writer(&mut pieces, &[next(last)])?;
        }
        pieces.push(b"}");
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;

    async fn page(fields: &str, read_limit: u32, rows: &[(u128, Value)]) -> Value {
        let fields: Vec<_> = fields.split_terminator(';').collect();
        let fields = Fields::parse(&fields, &["a", "b"]).unwrap();
        let mut page = WrittenPage::new("things", fields, read_limit);
        for (id, row) in rows {
            page.row(Uuid::from_u128(*id), || row);
        }
        let next = |last: Uuid| Link { rel: "next".to_owned(), href: last.as_u128().to_string() };
        let body = page.end_with(next).unwrap().into_body();
        serde_json::from_slice(&to_bytes(body).await.unwrap()).unwrap()
    }

    #[actix_web::test]
    async fn the_row_after_the_last_is_a_link() {
        let rows = [(1, json!({"a": 1, "b": "x\"y"})), (2, json!({"a": 2, "b": null}))];
        let (one, two) = (&rows[0].1, &rows[1].1);
        assert_eq!(page("", 3, &[]).await, json!({"things": []}));
        assert_eq!(page("", 3, &rows).await, json!({"things": [one, two]}));
        let linked = json!({"things": [one], "things_links": [{"rel": "next", "href": "1"}]});
        assert_eq!(page("", 2, &rows).await, linked);
        assert_eq!(page("a", 9, &rows).await, json!({"things": [{"a": 1}, {"a": 2}]}));
    }

    #[actix_web::test]
    async fn a_row_that_cannot_be_written_fails_the_page() {
        let unwritable = std::collections::HashMap::from([((), 1)]);
        let mut page = WrittenPage::new("things", Fields::default(), 9);
        page.row(Uuid::nil(), || unwritable);
        page.row(Uuid::nil(), || 1);
        assert!(page.end_with(|_| unreachable!("nothing follows")).is_err());
    }
}
