//! Rows into the log's own table, without anything that makes it a log.

use std::time::Duration;

use anyhow::Result;
use tidings_stand::Stand;
use tokio::time::Instant;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::PAYLOAD;
use super::append::{fresh_log, stream_of};

/// Ends with the client.
async fn connect(stand: &Stand) -> Result<Client> {
    let config = fresh_log(stand).await?;
    let (client, connection) = config.postgres.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Rows a second in batches of one statement, over one connection.
pub async fn batched_inserts(stand: &Stand, batch: usize, length: Duration) -> Result<f64> {
    let client = connect(stand).await?;
    let insert = client
        .prepare(
            "INSERT INTO event (lane, pos, stream, seq, msg_no, kind, ver, control, actor, at, command, idx, digest, payload) \
             SELECT 0, u.pos, u.stream, u.pos, u.pos, 16, 1, false, u.stream, now(), u.command, 0, 0, $4 \
               FROM unnest($1::bigint[], $2::uuid[], $3::uuid[]) u(pos, stream, command)",
        )
        .await?;
    let payload = vec![b'x'; PAYLOAD];
    let streams: Vec<Uuid> = (0..batch).map(|_| stream_of(0)).collect();
    let start = Instant::now();
    let mut rows = 0_usize;
    while start.elapsed() < length {
        let positions: Vec<i64> = (1..=batch).map(|n| (rows + n) as i64).collect();
        let commands: Vec<Uuid> = (0..batch).map(|_| Uuid::now_v7()).collect();
        client
            .execute(&insert, &[&positions, &streams, &commands, &payload])
            .await?;
        rows += batch;
    }
    Ok(rows as f64 / start.elapsed().as_secs_f64())
}

/// Rows a second by COPY in binary, so many at once.
pub async fn copy_in(stand: &Stand, batch: usize, length: Duration) -> Result<f64> {
    let client = connect(stand).await?;
    let types = [
        Type::INT2,
        Type::INT8,
        Type::UUID,
        Type::INT8,
        Type::INT8,
        Type::INT2,
        Type::INT2,
        Type::BOOL,
        Type::UUID,
        Type::TIMESTAMPTZ,
        Type::UUID,
        Type::INT2,
        Type::INT8,
        Type::BYTEA,
    ];
    let payload = vec![b'x'; PAYLOAD];
    let streams: Vec<Uuid> = (0..batch).map(|_| stream_of(0)).collect();
    let at = std::time::UNIX_EPOCH;
    let start = Instant::now();
    let mut rows = 0_i64;
    while start.elapsed() < length {
        let sink = client.copy_in("COPY event FROM STDIN BINARY").await?;
        let writer = BinaryCopyInWriter::new(sink, &types);
        let mut writer = std::pin::pin!(writer);
        for stream in &streams {
            rows += 1;
            let row: [&(dyn tokio_postgres::types::ToSql + Sync); 14] = [
                &0_i16,
                &rows,
                stream,
                &rows,
                &rows,
                &16_i16,
                &1_i16,
                &false,
                stream,
                &at,
                &Uuid::now_v7(),
                &0_i16,
                &0_i64,
                &payload,
            ];
            writer.as_mut().write(&row).await?;
        }
        writer.as_mut().finish().await?;
    }
    Ok(rows as f64 / start.elapsed().as_secs_f64())
}
