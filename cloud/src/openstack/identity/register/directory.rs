use keystone_middleware_rs::{Answer, Method, Session};
use serde_json::{Map, Value, json};

use crate::openstack::identity::IdentityError;

/// Keystone's resources, in the form they all share: `{"user": {…}}` at `users`, `users/{id}`.
pub(super) struct Directory<'a> {
    pub(super) session: &'a Session,
    base: String,
}

impl<'a> Directory<'a> {
    pub(super) async fn new(session: &'a Session) -> Result<Self, IdentityError> {
        Ok(Self { session, base: session.identity_url().await? })
    }

    /// All resources of the kind that have these values.
    pub(super) async fn list(
        &self,
        kind: &str,
        filter: &[(&str, &str)],
    ) -> Result<Vec<Value>, IdentityError> {
        let mut request = self.session.request(Method::GET, &format!("{}/{kind}s", self.base));
        for (name, value) in filter {
            request = request.query(name, value);
        }
        let mut body: Value = request.send().await?.success()?.json()?;
        let found = match body[format!("{kind}s")].take() {
            Value::Array(found) => found,
            _ => Vec::new(),
        };
        // What a filter means is Keystone's to say; who is changed is ours.
        let fits = |one: &Value| filter.iter().all(|(name, value)| one[*name] == **value);
        Ok(found.into_iter().filter(fits).collect())
    }

    pub(super) async fn find(
        &self,
        kind: &str,
        filter: &[(&str, &str)],
    ) -> Result<Option<Value>, IdentityError> {
        Ok(self.list(kind, filter).await?.into_iter().next())
    }

    pub(super) async fn create(&self, kind: &str, body: Value) -> Result<Value, IdentityError> {
        let path = format!("{kind}s");
        let answer = self.call(Method::POST, &path, Some(&json!({ kind: body }))).await?;
        let mut made: Value = answer.success()?.json()?;
        Ok(made[kind].take())
    }

    /// Changes what differs from `wanted`, and says what did.
    pub(super) async fn correct(
        &self,
        kind: &str,
        found: &Value,
        wanted: Value,
    ) -> Result<Vec<String>, IdentityError> {
        let differs = |(name, value): &(String, Value)| found[name] != *value;
        let Value::Object(wanted) = wanted else { return Ok(Vec::new()) };
        let changes: Map<_, _> = wanted.into_iter().filter(differs).collect();
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let differences = changes.keys().map(|name| format!("{name} was {}", found[name]));
        let differences = differences.collect();
        let path = format!("{kind}s/{}", id(found));
        self.call(Method::PATCH, &path, Some(&json!({ kind: changes }))).await?.success()?;
        Ok(differences)
    }

    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, IdentityError> {
        let request = self.session.request(method, &format!("{}/{path}", self.base));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        Ok(request.send().await?)
    }
}

/// The id of a resource.
pub(super) fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap_or_default()
}
