use std::time::Duration;

use oslo_messaging::{Envelope, Schema, Transport};
use serde_json::json;

use super::{AGENT_REPORT, AgentReport, CONDUCTOR, VERSION};

/// How long a conductor may take to hear it.
const DEADLINE: Duration = Duration::from_secs(5);

/// Tells the conductors for ever that this agent lives. It asks rather than publishes, so that
/// nothing piles up while there is nobody to hear it.
pub(super) async fn beat(transport: &dyn Transport, report: &AgentReport, interval: Duration) -> ! {
    let schema = Schema { name: AGENT_REPORT.to_owned(), version: VERSION };
    let mut heard = true;
    loop {
        let message = Envelope::new(&schema, String::new(), json!(report));
        let answer = transport.call(CONDUCTOR, message, DEADLINE).await;
        // Once is enough: silence may last, and is no fault of this host.
        match &answer {
            Ok(_) if !heard => tracing::info!("a conductor hears this agent again"),
            Err(error) if heard => tracing::warn!(%error, "no conductor hears this agent"),
            _ => {}
        }
        heard = answer.is_ok();
        tokio::time::sleep(interval).await;
    }
}
