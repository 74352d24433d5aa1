//! Database URLs as OpenStack's operators write them, and what the C clients want instead.

mod mysql;
mod parts;
mod postgresql;
mod sqlite;

use crate::{DbError, Engine};
use parts::Parts;

/// Where a database is, ready for its client. Its `Debug` and [`Target::shown`] hold no secret.
#[derive(Clone)]
pub(crate) struct Target {
    /// What speaks there.
    pub(crate) engine: Engine,
    /// What the client is given; holds the password.
    pub(crate) client_url: String,
    /// Connections that turn out not to be encrypted are refused.
    pub(crate) tls: bool,
    shown: String,
    secrets: Vec<String>,
}

impl Target {
    /// Reads a URL: `sqlite:////path`, `mysql+pymysql://user:password@host:port/database`,
    /// `postgresql://…` and their like.
    pub(crate) fn parse(url: &str) -> Result<Self, DbError> {
        let shown = parts::without_secrets(url);
        let refused = |message: String| DbError::Url { url: shown.clone(), message };
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(refused("it must begin with sqlite://, mysql:// or postgresql://".into()));
        };
        // What comes after `+` names a Python driver, which is nothing to us.
        let (engine, client_url, tls) = match scheme.split('+').next().unwrap_or_default() {
            "sqlite" => (Engine::Sqlite, sqlite::client_url(rest).map_err(refused)?, false),
            "mysql" | "mariadb" => {
                let parts = Parts::parse(rest).map_err(refused)?;
                let (url, tls) = mysql::client_url(&parts).map_err(refused)?;
                (Engine::Mysql, url, tls)
            }
            "postgresql" | "postgres" => {
                let parts = Parts::parse(rest).map_err(refused)?;
                (Engine::Postgresql, postgresql::client_url(&parts), false)
            }
            _ => return Err(refused("only sqlite, mysql and postgresql are known".into())),
        };
        let secrets = match engine {
            Engine::Sqlite => Vec::new(),
            _ => Parts::parse(rest).map(|parts| parts.secrets()).unwrap_or_default(),
        };
        Ok(Self { engine, client_url, tls, shown, secrets })
    }

    /// The URL for people.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// A client's message with the password taken out, should it quote it.
    pub(crate) fn hide(&self, message: &str) -> String {
        self.secrets
            .iter()
            .fold(message.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use firn_core::ErrorKind;

    use super::*;

    fn client(url: &str) -> String {
        Target::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")).client_url
    }

    #[test]
    fn sqlite_with_three_or_four_slashes_is_absolute() {
        assert_eq!(client("sqlite:///a/b c.db"), "file:/a/b c.db");
        assert_eq!(client("sqlite:////a/b.db"), "file:/a/b.db");
        assert_eq!(client("sqlite:///a?b#c%41"), "file:/a%3fb%23c%2541");
    }

    #[test]
    fn mysql_as_operators_write_it() {
        let plain = "mysql://firn:pw@db.example:3307/firn";
        for url in [
            "mysql://firn:pw@db.example:3307/firn",
            "mysql+pymysql://firn:pw@db.example:3307/firn?charset=utf8mb4",
            "mysql+pymysql://firn:pw@db.example:3307/firn?charset=utf8&plugin=dbcounter",
            "mariadb+mysqldb://firn:pw@db.example:3307/firn",
        ] {
            assert_eq!(client(url), plain, "{url}");
        }
        // The client would take the name for a socket of its own choice.
        assert_eq!(client("mysql://u:p@localhost/firn"), "mysql://u:p@127.0.0.1/firn");
        assert_eq!(
            client("mysql://u:p@localhost/firn?unix_socket=/run/mysqld/mysqld.sock"),
            "mysql://u:p@localhost/firn?unix_socket=%2Frun%2Fmysqld%2Fmysqld.sock"
        );
        assert_eq!(client("mysql://u:p@[::1]:3306/firn"), "mysql://u:p@[::1]:3306/firn");
    }

    #[test]
    fn postgresql_as_operators_write_it() {
        for url in [
            "postgresql://firn:pw@db.example:5433/firn?sslmode=require",
            "postgres://firn:pw@db.example:5433/firn?sslmode=require",
            "postgresql+psycopg2://firn:pw@db.example:5433/firn?sslmode=require",
        ] {
            let made = client(url);
            let expected = "postgresql://firn:pw@db.example:5433/firn?sslmode=require&";
            assert!(made.starts_with(expected), "{made}");
            assert!(made.contains("connect_timeout=10"), "{made}");
        }
        let own = client("postgresql://u@h/d?connect_timeout=3");
        assert!(own.contains("connect_timeout=3") && !own.contains("connect_timeout=10"));
    }

    #[test]
    fn passwords_with_odd_characters_reach_the_server_as_they_are() {
        // Escaped or not, as far as that can be told apart.
        for (written, sent) in
            [("p%40ss", "p%40ss"), ("p@ss", "p%40ss"), ("p:ss", "p%3Ass"), ("ü%25", "%C3%BC%25")]
        {
            assert_eq!(
                client(&format!("mysql://u:{written}@h/d")),
                format!("mysql://u:{sent}@h/d")
            );
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_telling_the_password() {
        for bad in [
            "",
            "/a/b",
            "sqlite://relative",
            "sqlite:///",
            "sqlite:////",
            "oracle://u:hidden@h/d",
            "mysql://u:hidden@h",
            "mysql://u:hidden@h/",
            "mysql://u:hidden@h/a/b",
            "mysql://u:hidden@/d",
            "mysql://u:hidden@h:port/d",
            "mysql://u:hidden@h/d?charset=latin1",
            "mysql://u:hidden@h/d?no_such=1",
            "mysql://u:hidden@h/d?ssl_verify_identity=maybe",
        ] {
            let error = Target::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
            assert!(!format!("{error} {error:?}").contains("hidden"), "{error}");
        }
        let good = Target::parse("postgresql://u:hidden@h/d?password=veiled").unwrap();
        assert_eq!(good.shown(), "postgresql://u:***@h/d");
        assert!(!format!("{good:?}").contains("hidden"));
        assert_eq!(good.hide("what hidden and veiled"), "what *** and ***");
    }
}
