//! A changed PostgreSQL database.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _};

use super::book::Home;
use super::changes::{Column, Holds, Row, Table, Tampered, Value, from_hex, hex, shown};
use super::outside;
use super::shared::postgres::database;

struct Server(PgConnection);

/// Ids are bytes that are written in another way.
fn is_id(column: &Column) -> bool {
    column.holds == Holds::Bytes && (column.name == "id" || column.name.ends_with("_id"))
}

impl Tampered for Server {
    async fn table(&mut self, name: &'static str) -> Table {
        let sql = "SELECT c.column_name::text, c.data_type::text, c.is_nullable = 'YES', EXISTS ( \
             SELECT FROM information_schema.key_column_usage k JOIN \
             information_schema.table_constraints t USING (constraint_schema, constraint_name) \
             WHERE t.constraint_type = 'PRIMARY KEY' AND t.table_schema = 'fiscaflow' \
             AND t.table_name = c.table_name AND k.column_name = c.column_name) \
             FROM information_schema.columns c WHERE c.table_schema = 'fiscaflow' \
             AND c.table_name = $1 ORDER BY c.ordinal_position";
        let columns = sqlx::query(sql).bind(name).fetch_all(&mut self.0).await.unwrap();
        let column = |row: &sqlx::postgres::PgRow| Column {
            name: row.get(0),
            holds: match row.get::<&str, _>(1) {
                "bigint" => Holds::Number,
                "boolean" => Holds::Flag,
                "text" => Holds::Text,
                "bytea" | "uuid" => Holds::Bytes,
                other => panic!("{other}"),
            },
            nullable: row.get(2),
            is_key: row.get(3),
        };
        Table { name, columns: columns.iter().map(column).collect() }
    }

    async fn rows(&mut self, table: &Table) -> Vec<Row> {
        let cell = |it: &Column| match it.holds {
            Holds::Bytes if is_id(it) => format!("encode(uuid_send({}), 'hex')", it.name),
            Holds::Bytes => format!("encode({}, 'hex')", it.name),
            _ => format!("encode(convert_to({}::text, 'UTF8'), 'hex')", it.name),
        };
        let cells = table.columns.iter().map(cell).collect::<Vec<_>>().join(", ");
        let sql = AssertSqlSafe(format!("SELECT {cells} FROM fiscaflow.{}", table.name));
        let rows = sqlx::query(sql).fetch_all(&mut self.0).await.unwrap();
        let cell = |row: &sqlx::postgres::PgRow, place: usize| {
            row.get::<Option<&str>, _>(place).map(from_hex)
        };
        rows.iter().map(|row| (0..table.columns.len()).map(|at| cell(row, at)).collect()).collect()
    }

    fn literal(&self, _table: &Table, column: &Column, value: &Value) -> String {
        let Some(bytes) = value else { return "NULL".to_owned() };
        match column.holds {
            Holds::Number => format!("({})::bigint", shown(bytes)),
            Holds::Flag => shown(bytes),
            Holds::Text => format!("convert_from('\\x{}'::bytea, 'UTF8')", hex(bytes)),
            Holds::Bytes if is_id(column) => format!("'{}'::uuid", hex(bytes)),
            Holds::Bytes => format!("'\\x{}'::bytea", hex(bytes)),
        }
    }

    fn name(&self, table: &Table) -> String {
        format!("fiscaflow.{}", table.name)
    }

    async fn execute(&mut self, sql: &str) -> bool {
        let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut self.0).await;
        done.is_ok_and(|done| done.rows_affected() == 1)
    }
}

#[tokio::test]
async fn whatever_is_changed_in_a_database_is_found() {
    // Holds: every value of every row, a row that is gone, added or exchanged with another.
    let database = database();
    let home = Home::new(fiscaflow_store::open(&database.url).await.unwrap(), 1).await;
    home.fill().await;
    let mut server = PgConnection::connect(&database.admin).await.unwrap();
    let off = "SET session_replication_role = replica";
    sqlx::query(off).execute(&mut server).await.unwrap();
    println!("{:?}", outside::change_all(&home, Server(server)).await);
}
