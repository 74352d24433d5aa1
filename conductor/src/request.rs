//! The request that the work at hand began with, for messages and logs.

use std::future::Future;

tokio::task_local! {
    static REQUEST: String;
}

/// Runs `work` as a part of the request.
pub(crate) async fn within<T>(request_id: String, work: impl Future<Output = T>) -> T {
    REQUEST.scope(request_id, work).await
}

/// The request at hand, if there is one.
pub fn current() -> Option<String> {
    REQUEST.try_with(Clone::clone).ok()
}
