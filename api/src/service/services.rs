use chrono::TimeDelta;

use super::now;
use crate::http::{ApiError, Call};
use crate::metrics::Stock;
use crate::wire::ServiceView;

impl Call {
    /// All services with their states.
    pub(crate) async fn service_list(&self) -> Result<Vec<ServiceView>, ApiError> {
        let down_after =
            TimeDelta::from_std(self.service.config.service_down_after).unwrap_or(TimeDelta::MAX);
        let services = self.query(firn_db::service_list).await?;
        let now = now();
        let view = |service: firn_db::Service| {
            let state = service.state(now, down_after).into();
            ServiceView::new(service, state)
        };
        Ok(services.into_iter().map(view).collect())
    }

    /// The metrics in Prometheus' text format.
    pub(crate) async fn metrics_text(&self) -> Result<String, ApiError> {
        let stock = self
            .query(|conn| {
                let (jobs, points) = (firn_db::job_counts(conn)?, firn_db::point_counts(conn)?);
                Ok(Stock { jobs, points })
            })
            .await?;
        self.service.metrics.text(&stock)
    }
}
