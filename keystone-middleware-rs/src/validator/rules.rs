use super::Inner;
use crate::{AuthError, Presented, TokenContext};

impl Inner {
    /// Refuses what the access rules of the token's application credential do not allow.
    ///
    /// A request that a service sends in the user's name is let through: the rules name what the
    /// user may ask of the first service, not what that has to ask of others.
    pub(super) fn obey_access_rules(
        &self,
        context: &TokenContext,
        presented: Presented<'_>,
        is_service_request: bool,
    ) -> Result<(), AuthError> {
        let credential = context.application_credential.as_ref();
        let Some(rules) = credential.and_then(|credential| credential.access_rules.as_ref()) else {
            return Ok(());
        };
        let Some(service_type) = &self.service_type else {
            tracing::warn!("a token with access rules is refused, because service_type is not set");
            return Err(AuthError::AccessRules);
        };
        if self.include_service_catalog && !context.catalog.has_type(service_type) {
            tracing::warn!(
                service_type,
                "a token with access rules is refused, because the catalog has no service of \
                 the type that service_type names"
            );
            return Err(AuthError::AccessRules);
        }
        let Presented { method, path, .. } = presented;
        let allowed =
            is_service_request || rules.iter().any(|rule| rule.allows(service_type, method, path));
        match allowed {
            true => Ok(()),
            false => Err(AuthError::AccessRules),
        }
    }
}
