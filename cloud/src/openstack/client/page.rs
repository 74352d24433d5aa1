//! Lists that come page by page.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{OpenStackError, Question, Request};

impl Request<'_> {
    /// All items of a list, over all pages.
    pub(crate) async fn all<T: DeserializeOwned>(
        self,
        key: &str,
    ) -> Result<Vec<T>, OpenStackError> {
        let question = self.question();
        let first = match self.page_size() {
            Some(limit) => self.query("limit", limit.to_string()),
            None => self,
        };
        let mut items = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let request = match &marker {
                Some(marker) => first.clone().query("marker", marker.as_str()),
                None => first.clone(),
            };
            let mut page: Map<String, Value> = request.send().await?.body()?;
            items.extend(take_items(&mut page, key, question)?);
            let next = next_marker(&page, key);
            if next.is_none() {
                return Ok(items);
            }
            if next == marker {
                return Err(question.nonsense("the list does not end"));
            }
            marker = next;
        }
    }
}

fn take_items<T: DeserializeOwned>(
    page: &mut Map<String, Value>,
    key: &str,
    question: Question,
) -> Result<Vec<T>, OpenStackError> {
    let items = page.remove(key);
    let items = items.ok_or_else(|| question.nonsense(format!("the answer has no {key:?}")))?;
    serde_json::from_value(items).map_err(|error| {
        question.nonsense(format!("{key:?} in the answer cannot be read: {error}"))
    })
}

/// The marker of the next page. Its link as a whole is not followed: behind a proxy it may name a
/// host or scheme that is not ours, and a token goes where the catalog says.
fn next_marker(page: &Map<String, Value>, key: &str) -> Option<String> {
    let links = page.get(&format!("{key}_links")).and_then(Value::as_array);
    let link = links.and_then(|links| links.iter().find(|link| link["rel"] == "next"));
    let href = link.map_or_else(|| page.get("next"), |link| link.get("href"))?.as_str()?;
    let (_, query) = href.split_once('?')?;
    let marker = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "marker");
    marker.map(|(_, marker)| marker.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_told_in_two_ways() {
        let marker = |text: &str| next_marker(&serde_json::from_str(text).unwrap(), "servers");
        let nova = r#"{"servers_links": [{"rel": "self", "href": "http://h/?marker=x"},
            {"rel": "next", "href": "http://elsewhere/servers?limit=2&marker=a%2Db"}]}"#;
        assert_eq!(marker(nova).as_deref(), Some("a-b"));
        let glance = r#"{"next": "/v2/images?marker=i1"}"#;
        assert_eq!(marker(glance).as_deref(), Some("i1"));
        assert_eq!(marker(r#"{"servers": []}"#), None);
    }
}
