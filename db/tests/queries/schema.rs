//! The three sets of migrations say the same, and so does what diesel was told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at};

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

/// The statements of a file, without comments and without triggers, which only SQLite has: they
/// stand for the lengths that the other two have in their types.
fn statements(sql: &str) -> Vec<String> {
    let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    let sql: String = lines.map(|line| format!("{line}\n")).collect();
    let mut plain = String::new();
    let mut rest = sql.as_str();
    while let Some(start) = rest.find("CREATE TRIGGER") {
        plain.push_str(&rest[..start]);
        let end = rest[start..].find("\nEND;").expect("a trigger ends in a line of its own");
        rest = &rest[start + end + "\nEND;".len()..];
    }
    plain.push_str(rest);
    let statements = plain.split(';').map(str::trim).filter(|text| !text.is_empty());
    statements.map(str::to_owned).collect()
}

/// Applies the statements of one `up.sql`, as far as they are written here: one column or
/// constraint a line.
fn apply(schema: &mut Schema, sql: &str) {
    for statement in &statements(sql) {
        let statement = statement.as_str();
        let words: Vec<_> = statement.split_whitespace().collect();
        match words[..] {
            ["INSERT", "INTO", ..] | ["SELECT", "1"] => {}
            // InnoDB keeps rows in the order of the primary key. Another order is no other schema:
            // what was unique stays so.
            ["ALTER", "TABLE", ..] if statement.contains(" (id),\n    DROP PRIMARY KEY,") => {
                assert!(statement.contains("ADD UNIQUE INDEX "), "{statement}");
            }
            ["ALTER", "TABLE", table, "ADD", "COLUMN", ..] => {
                let (_, line) = statement.split_once("ADD COLUMN ").unwrap();
                column(schema, table, line);
            }
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
            _ => panic!("a statement that this test does not know: {statement}"),
        }
    }
}

fn column(schema: &mut Schema, table: &str, line: &str) {
    if line.is_empty() {
        return;
    }
    // What SQLite has in the place of lengths.
    if line.starts_with("CHECK") || line.starts_with("CONSTRAINT text_too_long") {
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
    assert!(sqlite.tables.len() >= 13);
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
struct ColumnInfo {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    data_type: String,
    #[diesel(sql_type = Text)]
    nullable: String,
}

/// The columns that the database really has, by table: type and not null.
fn real(db: &Db) -> BTreeMap<String, BTreeMap<String, (String, bool)>> {
    let sql = match db.place.engine {
        Engine::Sqlite => {
            "SELECT m.name AS table_name, c.name AS column_name, c.type AS data_type, \
             CASE c.\"notnull\" WHEN 1 THEN 'NO' ELSE 'YES' END AS nullable \
             FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        }
        Engine::Mysql => {
            "SELECT table_name AS table_name, column_name AS column_name, \
             CAST(column_type AS CHAR) AS data_type, CAST(is_nullable AS CHAR) AS nullable \
             FROM information_schema.columns WHERE table_schema = DATABASE()"
        }
        Engine::Postgresql => {
            "SELECT table_name::text, column_name::text, \
             CASE data_type WHEN 'timestamp without time zone' \
             THEN 'timestamp(' || datetime_precision || ')' ELSE data_type END AS data_type, \
             is_nullable::text AS nullable \
             FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let rows: Vec<ColumnInfo> = db.run(|conn| Ok(diesel::sql_query(sql).load(conn)?));
    let mut tables: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| !row.table_name.starts_with("__diesel")) {
        let kind = match row.data_type.as_str() {
            // SQLite's own counter; MariaDB's boolean.
            "INTEGER" => "BigInt".to_owned(),
            "tinyint(1)" => "Bool".to_owned(),
            "character varying" => "Text".to_owned(),
            plain => plain_type(plain),
        };
        let column = (kind, row.nullable == "NO");
        tables.entry(row.table_name).or_default().insert(row.column_name, column);
    }
    tables
}

fn migrations_of(db: &Db) -> &'static str {
    match db.place.engine {
        Engine::Sqlite => "sqlite",
        Engine::Mysql => "mysql",
        Engine::Postgresql => "postgres",
    }
}

fn the_real_schema_is_what_diesel_was_told(db: Db) {
    let real = real(&db);
    assert_eq!(real, told());
    assert_eq!(real, migrated(migrations_of(&db)).tables);
}

fn down_removes_everything_and_up_works_again(db: Db) {
    let set = migrations_of(&db);
    for name in names(set).iter().rev() {
        let down = fs::read_to_string(folder(set).join(name).join("down.sql")).unwrap();
        db.run(|conn| {
            conn.batch_execute(&down)?;
            Ok(conn.batch_execute("DELETE FROM __diesel_schema_migrations")?)
        });
    }
    assert_eq!(real(&db), BTreeMap::new());
    assert_eq!(db.database.migrate().unwrap().len(), names(set).len());
    assert_eq!(db.database.migrate().unwrap(), Vec::<String>::new(), "once");
    assert_eq!(real(&db), told());
}

/// 255 and 256 letters of more than one byte: lengths are in characters everywhere.
fn lengths_are_the_same_everywhere(db: Db) {
    let point = db.available("a", 1);
    let named =
        |length: usize| PointUpdate { name: Some(Some("ü".repeat(length))), description: None };
    let update = |length| {
        let update = named(length);
        db.database.run_blocking(|c| point_update(c, &Scope::All, point.id, &update, at(9)))
    };
    assert_eq!(update(255).unwrap().name.unwrap().chars().count(), 255);
    assert_eq!(db.point(point.id).name.unwrap().chars().count(), 255);
    let error = update(256).unwrap_err();
    assert_eq!(error.kind(), firn_core::ErrorKind::InvalidInput, "{error:?}");
    assert_eq!(db.point(point.id).name.unwrap().chars().count(), 255);
    let request = BackupRequest { instance_name: "x".repeat(256), ..db.backup_request("a") };
    let kind = db.kind(|conn| backup_request_create(conn, request, at(1)));
    assert_eq!(kind, firn_core::ErrorKind::InvalidInput);
    // Texts without a limit hold what a long answer needs.
    let long = "é".repeat(70_000);
    let update = PointUpdate { name: None, description: Some(Some(long.clone())) };
    db.run(|conn| point_update(conn, &Scope::All, point.id, &update, at(10)));
    assert_eq!(db.point(point.id).description, Some(long));
}

/// Case, accents and characters beyond the basic plane are told apart and kept.
fn texts_are_compared_byte_by_byte(db: Db) {
    for name in ["ann", "Ann", "änn", "日本語", "🧊"] {
        let request = BackupRequest { name: Some(name.to_owned()), ..db.backup_request("a") };
        db.run(|conn| backup_request_create(conn, request, at(1)));
    }
    for name in ["ann", "Ann", "änn", "日本語", "🧊"] {
        let filter = PointFilter { name: Some(name.to_owned()), ..PointFilter::default() };
        let found = db.run(|c| point_list(c, &Scope::All, &filter, &Page::first(9)));
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].name.as_deref(), Some(name));
    }
}

#[test]
fn connections_are_set_up_for_durability() {
    let db = Db::new(Engine::Sqlite);
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

fn what_is_no_value_of_ours_is_an_error_and_not_a_guess(db: Db) {
    let (_, job) = db.backup("a", 1);
    db.run(|conn| Ok(conn.batch_execute("UPDATE jobs SET state = 'dancing'")?));
    assert_eq!(db.kind(|conn| job_get(conn, &Scope::All, job.id)), firn_core::ErrorKind::Internal);
}

every_engine!(
    the_real_schema_is_what_diesel_was_told,
    down_removes_everything_and_up_works_again,
    lengths_are_the_same_everywhere,
    texts_are_compared_byte_by_byte,
    what_is_no_value_of_ours_is_an_error_and_not_a_guess,
);
