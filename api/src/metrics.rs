//! Figures for Prometheus: requests as they are counted, jobs and points as they stand in the
//! database at each scrape.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use firn_core::{ErrorKind, JobKind, JobState, PointState};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};
use serde::Serialize;

use crate::http::ApiError;

/// Seconds. A list takes milliseconds; what asks a conductor may take seconds.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Label of a request that no route took.
const NO_ROUTE: &str = "none";

/// How many of each there are.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    pub(crate) jobs: Vec<(JobKind, JobState, u64)>,
    pub(crate) points: Vec<(PointState, u64)>,
}

/// What is counted while the process lives.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
}

impl Metrics {
    /// # Errors
    /// When a name is not one that Prometheus takes: a defect.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let requests = IntCounterVec::new(
            Opts::new("firn_http_requests_total", "HTTP requests answered."),
            &["method", "route", "status"],
        )?;
        let durations = HistogramVec::new(
            HistogramOpts::new("firn_http_request_duration_seconds", "Time to the answer's head.")
                .buckets(BUCKETS.to_vec()),
            &["method", "route"],
        )?;
        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        Ok(Self { registry, requests, durations })
    }

    /// Counts an answer.
    pub(crate) fn http(
        &self,
        method: &Method,
        route: Option<&str>,
        status: StatusCode,
        took: Duration,
    ) {
        let (method, route) = (method_label(method), route.unwrap_or(NO_ROUTE));
        self.requests.with_label_values(&[method, route, status.as_str()]).inc();
        self.durations.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// All figures in the text format.
    pub(crate) fn text(&self, stock: &Stock) -> Result<String, ApiError> {
        let failed = |error| ApiError::failed(ErrorKind::Internal, "metrics cannot be made", error);
        let mut families = self.registry.gather();
        families.extend(stock_registry(stock).map_err(failed)?.gather());
        TextEncoder::new().encode_to_string(&families).map_err(failed)
    }
}

/// A registry of its own for each scrape, so that two at once cannot mix their figures.
fn stock_registry(stock: &Stock) -> Result<Registry, prometheus::Error> {
    let jobs = IntGaugeVec::new(Opts::new("firn_jobs", "Jobs there are."), &["kind", "state"])?;
    for (kind, state, count) in &stock.jobs {
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        jobs.with_label_values(&[word(kind), word(state)]).set(count);
    }
    let points = IntGaugeVec::new(
        Opts::new("firn_restore_points", "Restore points there are."),
        &["state"],
    )?;
    for (state, count) in &stock.points {
        points.with_label_values(&[word(state)]).set(i64::try_from(*count).unwrap_or(i64::MAX));
    }
    let registry = Registry::new();
    registry.register(Box::new(jobs))?;
    registry.register(Box::new(points))?;
    Ok(registry)
}

/// The name of a domain enum's variant.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "unknown".to_owned(),
    }
}

/// Clients may invent methods; labels must not grow with them.
fn method_label(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::POST
        | Method::PATCH
        | Method::DELETE
        | Method::PUT
        | Method::HEAD
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_named_and_bounded() {
        let metrics = Metrics::new().unwrap();
        let took = Duration::from_millis(3);
        metrics.http(&Method::GET, Some("/v1/jobs/{id}"), StatusCode::OK, took);
        for invented in ["A", "B"] {
            let method = Method::from_bytes(invented.as_bytes()).unwrap();
            metrics.http(&method, None, StatusCode::NOT_FOUND, took);
        }
        let stock = Stock {
            jobs: vec![(JobKind::Restore, JobState::Failed, 7)],
            points: vec![(PointState::Available, 3)],
        };
        let text = metrics.text(&stock).unwrap();
        for line in [
            r#"firn_http_requests_total{method="GET",route="/v1/jobs/{id}",status="200"} 1"#,
            r#"firn_http_requests_total{method="other",route="none",status="404"} 2"#,
            r#"firn_http_request_duration_seconds_bucket{method="GET",route="/v1/jobs/{id}",le="0.005"} 1"#,
            r#"firn_jobs{kind="restore",state="failed"} 7"#,
            r#"firn_restore_points{state="available"} 3"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
