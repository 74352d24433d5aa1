/// One kind of request that an application credential allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// The type of the service.
    pub service: String,
    /// The HTTP method.
    pub method: String,
    /// The path: `{name}` and `*` stand for one segment, or a part of it; `**` for anything.
    pub path: String,
}

impl AccessRule {
    /// Whether the rule allows the request to the service of this type.
    ///
    /// `path` is the path as it was sent. One that can be written in a simpler way (`//`, `.` and
    /// `..` segments, encoded slashes and dots) is never allowed: the rule and the application
    /// could read it differently.
    pub fn allows(&self, service_type: &str, method: &str, path: &str) -> bool {
        self.service == service_type
            && self.method == method
            && is_plain(path)
            && matches(&tokens(&self.path), path.as_bytes())
    }
}

fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    !lower.contains("//")
        && !lower.contains("%2f")
        && !lower.contains("%2e")
        && !lower.contains('\\')
        && !path.split('/').any(|segment| segment == "." || segment == "..")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// One or more bytes without a slash.
    Segment,
    /// Any bytes, or none.
    Anything,
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let close = || after.iter().position(|byte| *byte == b'}');
        match byte {
            b'*' if after.first() == Some(&b'*') => {
                tokens.push(Token::Anything);
                rest = &after[1..];
            }
            b'*' => tokens.push(Token::Segment),
            b'{' => match close() {
                Some(end) => {
                    tokens.push(Token::Segment);
                    rest = &after[end + 1..];
                }
                None => tokens.push(Token::Byte(byte)),
            },
            byte => tokens.push(Token::Byte(byte)),
        }
    }
    tokens
}

/// Time is pattern × path at most, whatever both hold: `reached[i]` says whether the first `i`
/// bytes can be what the tokens so far stand for.
fn matches(pattern: &[Token], path: &[u8]) -> bool {
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for token in pattern {
        let mut next = vec![false; path.len() + 1];
        if *token == Token::Anything {
            next[0] = reached[0];
        }
        for (at, byte) in path.iter().enumerate() {
            next[at + 1] = match token {
                Token::Byte(expected) => reached[at] && byte == expected,
                Token::Segment => *byte != b'/' && (reached[at] || next[at]),
                Token::Anything => reached[at + 1] || next[at],
            };
        }
        reached = next;
    }
    reached[path.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, path: &str) -> bool {
        let rule = AccessRule {
            service: "instance-backup".to_owned(),
            method: "GET".to_owned(),
            path: pattern.to_owned(),
        };
        rule.allows("instance-backup", "GET", path)
    }

    #[test]
    fn wildcards_stand_for_what_they_should() {
        for (pattern, path, expected) in [
            ("/v1/plans", "/v1/plans", true),
            ("/v1/plans", "/v1/plans/", false),
            ("/v1/plans", "/v1/plan", false),
            ("/v1/plans", "/v1/plans/1", false),
            ("/v1/plans/*", "/v1/plans/1", true),
            ("/v1/plans/*", "/v1/plans/", false),
            ("/v1/plans/*", "/v1/plans/1/action", false),
            ("/v1/plans/{plan_id}", "/v1/plans/abc-1", true),
            ("/v1/plans/{plan_id}/action", "/v1/plans/abc/action", true),
            ("/v1/plans/{plan_id}/action", "/v1/plans/a/b/action", false),
            ("/v1/*/1", "/v1/plans/1", true),
            ("/v1/**", "/v1/plans/1/action", true),
            ("/v1/**", "/v1/", true),
            ("/v1/**", "/v1", false),
            ("**", "/anything/at/all", true),
            ("/v1/**/action", "/v1/plans/1/action", true),
            ("/v1/**/action", "/v1/plans/1/actions", false),
            ("/v1/web-*", "/v1/web-1", true),
            ("/v1/***", "/v1/a", true),
            ("/v1/{open", "/v1/{open", true),
            ("/v1.plans", "/v1xplans", false),
            ("", "", true),
            ("", "/", false),
        ] {
            assert_eq!(allows(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_not_allowed() {
        for path in
            ["/v1/a/../b", "/v1//b", "/v1/./b", "/v1/a%2fb", "/v1/a%2Fb", "/v1/%2e%2E/b", "/v1/\\b"]
        {
            assert!(!allows("**", path), "{path}");
        }
        assert!(allows("**", "/v1/a..b/...c"));
    }

    #[test]
    fn service_and_method_are_exact() {
        let rule = AccessRule {
            service: "compute".to_owned(),
            method: "GET".to_owned(),
            path: "**".to_owned(),
        };
        assert!(rule.allows("compute", "GET", "/"));
        assert!(!rule.allows("compute", "POST", "/"));
        assert!(!rule.allows("compute", "HEAD", "/"));
        assert!(!rule.allows("image", "GET", "/"));
    }

    #[test]
    fn many_wildcards_cost_no_more_than_their_product() {
        let started = std::time::Instant::now();
        assert!(!allows(&"**a".repeat(40), &"a/".repeat(2000)));
        assert!(started.elapsed().as_secs() < 5);
    }
}
