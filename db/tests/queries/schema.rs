//! The three sets of migrations say the same, and so does what diesel was told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use firn_db::*;

use crate::support::Db;

const DATABASES: [&str; 3] = ["sqlite", "mysql", "postgres"];

#[derive(Debug, Default, PartialEq, Eq)]
struct Schema {
    /// Table to column to (type, not null).
    tables: BTreeMap<String, BTreeMap<String, (String, bool)>>,
    /// Primary and foreign keys, with their table.
    keys: BTreeSet<String>,
    /// Name to the rest of the statement, with `UNIQUE` where it is.
    indices: BTreeMap<String, String>,
}

fn folder(database: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database)
}

fn names(database: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder(database))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What a column type of any of the three is to us.
fn plain_type(sql: &str) -> String {
    let sql = sql.to_uppercase();
    let word = sql.split(['(', ' ']).next().unwrap();
    let plain = match word {
        "TEXT" | "LONGTEXT" | "VARCHAR" => "Text",
        "BIGINT" | "BIGSERIAL" => "BigInt",
        "TIMESTAMP" | "DATETIME" => "Timestamp",
        "BOOLEAN" => "Bool",
        other => panic!("an SQL type that this test does not know: {other}"),
    };
    if word == "TIMESTAMP" || word == "DATETIME" {
        let exact = !sql.contains('(') && word == "TIMESTAMP" || sql.contains("(6)");
        assert!(exact, "times have microseconds: {sql}");
    }
    plain.to_owned()
}

/// Applies the statements of one `up.sql`, as far as they are written here: one column or
/// constraint a line.
fn apply(schema: &mut Schema, sql: &str) {
    for statement in sql.split(';').map(str::trim).filter(|text| !text.is_empty()) {
        let words: Vec<_> = statement.split_whitespace().collect();
        match words[..] {
            ["CREATE", "TABLE", table, ..] => {
                let body =
                    &statement[statement.find('(').unwrap() + 1..statement.rfind("\n)").unwrap()];
                for line in body.lines().map(|line| line.trim().trim_end_matches(',')) {
                    column(schema, table, line);
                }
            }
            ["CREATE", "INDEX", name, ..] | ["CREATE", "UNIQUE", "INDEX", name, ..] => {
                let before = schema.indices.insert(name.to_owned(), statement.to_owned());
                assert_eq!(before, None);
            }
            ["ALTER", "TABLE", table, "ADD", "COLUMN", ..] => {
                let (_, line) = statement.split_once("ADD COLUMN ").unwrap();
                column(schema, table, line);
            }
            _ => panic!("a statement that this test does not know: {statement}"),
        }
    }
}

fn column(schema: &mut Schema, table: &str, line: &str) {
    if line.is_empty() {
        return;
    }
    if line.starts_with("PRIMARY KEY") || line.starts_with("FOREIGN KEY") {
        schema.keys.insert(format!("{table}: {line}"));
        return;
    }
    let (name, rest) = line.split_once(' ').unwrap();
    if rest.contains("PRIMARY KEY") {
        schema.keys.insert(format!("{table}: PRIMARY KEY ({name})"));
    }
    // SQLite counts up by itself only in a column of this type, which has 64 bits there.
    let column = if rest.contains("AUTOINCREMENT") {
        ("BigInt".to_owned(), true)
    } else {
        (plain_type(rest), rest.contains("NOT NULL"))
    };
    schema.tables.entry(table.to_owned()).or_default().insert(name.to_owned(), column);
}

fn migrated(database: &str) -> Schema {
    let mut schema = Schema::default();
    for name in names(database) {
        let sql = fs::read_to_string(folder(database).join(&name).join("up.sql")).unwrap();
        apply(&mut schema, &sql);
    }
    schema
}

#[test]
fn the_three_sets_have_the_same_names_tables_columns_keys_and_indices() {
    let sqlite = migrated("sqlite");
    assert_eq!(sqlite.tables.len(), 12);
    assert!(sqlite.keys.len() >= 12 && sqlite.indices.len() >= 12);
    for other in &DATABASES[1..] {
        assert_eq!(names("sqlite"), names(other), "names of {other}");
        assert_eq!(sqlite, migrated(other), "schema of {other}");
    }
}

#[test]
fn the_parser_sees_differences() {
    let one = "CREATE TABLE t (\n id TEXT NOT NULL,\n n BIGINT\n);\nCREATE INDEX i ON t (n);";
    let parse = |sql: &str| {
        let mut schema = Schema::default();
        apply(&mut schema, sql);
        schema
    };
    for (from, to) in [
        ("n BIGINT", "n BIGINT NOT NULL"),
        ("n BIGINT", "n TEXT"),
        ("n BIGINT", "m BIGINT"),
        ("CREATE INDEX", "CREATE UNIQUE INDEX"),
        ("(n)", "(n, id)"),
        ("TABLE t", "TABLE u"),
    ] {
        assert_ne!(parse(one), parse(&one.replace(from, to)), "{from} to {to}");
    }
    assert_eq!(parse(one), parse(&one.replace("TEXT", "VARCHAR(36)")));
}

#[test]
fn lengths_of_texts_agree_where_there_are_any() {
    let lengths = |database| {
        let mut found = Vec::new();
        for name in names(database) {
            let sql = fs::read_to_string(folder(database).join(&name).join("up.sql")).unwrap();
            for line in sql.lines().filter(|line| line.contains("VARCHAR")) {
                found.push(line.trim().trim_end_matches(',').to_owned());
            }
        }
        found
    };
    assert_eq!(lengths("mysql"), lengths("postgres"));
    assert!(lengths("mysql").len() > 30);
}

/// What diesel was told: `src/schema.rs`, read as text.
fn told() -> BTreeMap<String, BTreeMap<String, (String, bool)>> {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schema.rs")).unwrap();
    let mut tables: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
    let mut table = String::new();
    for line in text.lines().map(str::trim) {
        if let Some((name, rest)) = line.split_once(" (")
            && rest.ends_with(") {")
        {
            table = name.to_owned();
        } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            let entry = (inner.unwrap_or(kind).to_owned(), inner.is_none());
            tables.entry(table.clone()).or_default().insert(column.to_owned(), entry);
        }
    }
    tables
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct ColumnInfo {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text, column_name = "type")]
    kind: String,
    #[diesel(sql_type = Integer)]
    notnull: i32,
}

fn tables(db: &Db) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' \
               AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '__diesel%' ORDER BY name";
    let rows: Vec<Named> = db.run(|conn| Ok(diesel::sql_query(sql).load(conn)?));
    rows.into_iter().map(|row| row.name).collect()
}

#[test]
fn the_real_schema_is_what_diesel_was_told() {
    let db = Db::new();
    let mut real = BTreeMap::new();
    for table in tables(&db) {
        let sql = format!("SELECT name, type, \"notnull\" FROM pragma_table_info('{table}')");
        let rows: Vec<ColumnInfo> = db.run(|conn| Ok(diesel::sql_query(sql).load(conn)?));
        let columns: BTreeMap<_, _> = rows
            .into_iter()
            .map(|row| {
                let auto = row.kind == "INTEGER";
                let kind = if auto { "BigInt".to_owned() } else { plain_type(&row.kind) };
                (row.name, (kind, row.notnull == 1))
            })
            .collect();
        real.insert(table, columns);
    }
    assert_eq!(real, told());
    assert_eq!(real, migrated("sqlite").tables);
}

#[test]
fn down_removes_everything_and_up_works_again() {
    let db = Db::new();
    for name in names("sqlite").iter().rev() {
        let down = fs::read_to_string(folder("sqlite").join(name).join("down.sql")).unwrap();
        db.run(|conn| {
            conn.batch_execute(&down)?;
            Ok(conn.batch_execute("DELETE FROM __diesel_schema_migrations")?)
        });
    }
    assert_eq!(tables(&db), Vec::<String>::new());
    assert_eq!(db.database.migrate().unwrap().len(), names("sqlite").len());
    assert_eq!(db.database.migrate().unwrap(), Vec::<String>::new(), "once");
    assert_eq!(tables(&db).len(), 12);
}

#[test]
fn connections_are_set_up_for_durability() {
    let db = Db::new();
    #[derive(QueryableByName)]
    struct Settings {
        #[diesel(sql_type = Text)]
        journal: String,
        #[diesel(sql_type = Integer)]
        synchronous: i32,
        #[diesel(sql_type = Integer)]
        foreign_keys: i32,
        #[diesel(sql_type = Integer)]
        timeout: i32,
    }
    let sql = "SELECT journal_mode AS journal, synchronous, foreign_keys, timeout \
               FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys, \
               pragma_busy_timeout";
    let rows: Vec<Settings> = db.run(|conn| Ok(diesel::sql_query(sql).load(conn)?));
    assert_eq!(rows[0].journal, "wal");
    assert_eq!(rows[0].synchronous, 2, "FULL");
    assert_eq!((rows[0].foreign_keys, rows[0].timeout), (1, 10_000));
}

#[test]
fn what_is_no_value_of_ours_is_an_error_and_not_a_guess() {
    let db = Db::new();
    let (_, job) = db.backup("a", 1);
    db.run(|conn| Ok(conn.batch_execute("UPDATE jobs SET state = 'dancing'")?));
    assert_eq!(db.kind(|conn| job_get(conn, &Scope::All, job.id)), firn_core::ErrorKind::Internal);
}
