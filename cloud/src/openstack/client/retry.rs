//! Which answers are worth another try, and when.

use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Whether a service that answered so may answer otherwise in a moment. A request that changes
/// something was refused before it began only by 429; behind 502 to 504 it may have been done.
pub(super) const fn worth_it(status: u16, idempotent: bool) -> bool {
    match status {
        429 => true,
        502..=504 => idempotent,
        _ => false,
    }
}

/// How long to wait after so many tries: what the service asks for in `Retry-After` (seconds; the
/// other form, a date, no OpenStack service sends), else twice as long each time.
pub(super) fn pause(tries: u32, retry_after: Option<&str>) -> Duration {
    let asked = retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    asked.unwrap_or_else(|| {
        let factor = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_safe_is_tried_again() {
        for (status, idempotent, expected) in [
            (200, true, false),
            (404, true, false),
            (429, true, true),
            (429, false, true),
            (500, true, false),
            (502, true, true),
            (503, false, false),
            (504, true, true),
        ] {
            assert_eq!(worth_it(status, idempotent), expected, "{status} {idempotent}");
        }
    }

    #[test]
    fn pauses_grow_unless_the_service_says_how_long() {
        let pauses: Vec<_> = (1..8).map(|tries| pause(tries, None).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(pause(u32::MAX, None), LONGEST_PAUSE);
        assert_eq!(pause(1, Some("3")), Duration::from_secs(3));
        assert_eq!(pause(1, Some("Fri, 31 Dec 1999 23:59:59 GMT")), FIRST_PAUSE);
    }
}
