//! Settings of a server that do not go with what we do.

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::{AnyConnection, Connection, DbError};

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

/// What an administrator of the server should change, a sentence each; nothing where all is well.
pub(crate) fn advice(conn: &mut Connection) -> Result<Vec<String>, DbError> {
    match conn {
        AnyConnection::Sqlite(_) => Ok(Vec::new()),
        AnyConnection::Mysql(conn) => {
            let sql = "SELECT CONCAT(@@binlog_format, '/', @@log_bin, '/', @@read_only) AS value";
            let rows: Vec<Setting> = diesel::sql_query(sql).load(conn)?;
            Ok(rows.first().map(|row| mysql(&row.value)).unwrap_or_default())
        }
        AnyConnection::Postgresql(conn) => {
            let sql = "SELECT current_setting('lc_messages') || '/' \
                       || current_setting('server_encoding') || '/' \
                       || pg_is_in_recovery()::int::text AS value";
            let rows: Vec<Setting> = diesel::sql_query(sql).load(conn)?;
            Ok(rows.first().map(|row| postgresql(&row.value)).unwrap_or_default())
        }
    }
}

fn mysql(settings: &str) -> Vec<String> {
    let mut parts = settings.split('/');
    let mut part = || parts.next().unwrap_or_default();
    let (format, logged, read_only) = (part(), part(), part());
    // Servers differ in whether they say a number or a word.
    let on = |value: &str| !["0", "OFF", ""].contains(&value);
    let mut advice = Vec::new();
    if format == "STATEMENT" && on(logged) {
        let text = "binlog_format is STATEMENT, with which the server refuses our writes: set it to \
                    MIXED or ROW";
        advice.push(text.to_owned());
    }
    if on(read_only) {
        advice.push("the server is read only: it is no primary".to_owned());
    }
    advice
}

fn postgresql(settings: &str) -> Vec<String> {
    let mut parts = settings.split('/');
    let mut part = || parts.next().unwrap_or_default();
    let (messages, encoding, standby) = (part(), part(), part());
    let mut advice = Vec::new();
    if !["C", "POSIX", ""].contains(&messages)
        && !messages.starts_with("C.")
        && !messages.starts_with("en")
    {
        advice.push(format!(
            "lc_messages is {messages}: set it to C, for deadlocks are told from other errors by \
             the server's English messages"
        ));
    }
    if encoding != "UTF8" {
        advice.push(format!("the database's encoding is {encoding}: it must be UTF8"));
    }
    if standby != "0" {
        advice.push("the server is a standby: it is no primary".to_owned());
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_is_said() {
        for (settings, count) in
            [("MIXED/1/0", 0), ("STATEMENT/0/OFF", 0), ("STATEMENT/ON/0", 1), ("STATEMENT/1/ON", 2)]
        {
            assert_eq!(mysql(settings).len(), count, "{settings}");
        }
        for (settings, count) in [
            ("C/UTF8/0", 0),
            ("en_US.UTF-8/UTF8/0", 0),
            ("C.UTF-8/UTF8/0", 0),
            ("de_DE.UTF-8/UTF8/0", 1),
            ("de_DE.UTF-8/LATIN1/1", 3),
        ] {
            assert_eq!(postgresql(settings).len(), count, "{settings}");
        }
    }
}
