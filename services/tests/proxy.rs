//! The proxy that tests put in front of a server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs, and mints ids as clients do"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tidings_services::ChaosProxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_mins(1);

/// A server that answers every byte with the same byte, until its client closes.
async fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

async fn echo(stream: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
    stream.write_all(&[byte]).await?;
    tokio::time::timeout(PATIENCE, stream.read_u8()).await?
}

#[tokio::test]
async fn it_forwards_both_ways_and_passes_the_end_on() {
    let proxy = ChaosProxy::start(echo_server().await).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let sent: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
    let (mut from, mut to) = stream.split();
    let mut received = Vec::new();
    let write = async {
        to.write_all(&sent).await?;
        to.shutdown().await
    };
    let both = async { tokio::try_join!(write, from.read_to_end(&mut received)) };
    tokio::time::timeout(PATIENCE, both).await.unwrap().unwrap();
    assert!(received == sent);
}

#[tokio::test]
async fn a_cut_closes_all_connections_and_new_ones_until_it_is_restored() {
    let proxy = ChaosProxy::start(echo_server().await).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echo(&mut stream, 1).await.unwrap(), 1);
    assert_eq!(proxy.connections(), 1);

    proxy.cut().await;
    assert_eq!(proxy.connections(), 0);
    assert!(echo(&mut stream, 2).await.is_err());
    let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(echo(&mut refused, 3).await.is_err());

    proxy.restore();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echo(&mut stream, 4).await.unwrap(), 4);
}

#[tokio::test]
async fn a_stall_holds_bytes_back_and_loses_none() {
    let proxy = ChaosProxy::start(echo_server().await).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echo(&mut stream, 1).await.unwrap(), 1);
    proxy.stall();
    stream.write_all(&[2]).await.unwrap();
    // A stall can only be seen as an answer that stays out.
    assert!(
        tokio::time::timeout(Duration::from_millis(200), stream.read_u8())
            .await
            .is_err()
    );
    proxy.restore();
    assert_eq!(
        tokio::time::timeout(PATIENCE, stream.read_u8())
            .await
            .unwrap()
            .unwrap(),
        2
    );
}

#[tokio::test]
async fn a_delay_holds_each_way_for_its_time() {
    let proxy = ChaosProxy::start(echo_server().await).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.delay(60);
    let begun = Instant::now();
    assert_eq!(echo(&mut stream, 1).await.unwrap(), 1);
    assert!(
        begun.elapsed() >= Duration::from_millis(120),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_dropped_proxy_closes_its_connections() {
    let proxy = ChaosProxy::start(echo_server().await).await.unwrap();
    let address = proxy.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert_eq!(echo(&mut stream, 1).await.unwrap(), 1);
    drop(proxy);
    assert!(
        tokio::time::timeout(PATIENCE, stream.read_u8())
            .await
            .unwrap()
            .is_err()
    );
}

#[tokio::test]
async fn what_is_stranded_hears_nothing_and_its_server_is_told_when_it_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let proxy = ChaosProxy::start(listener.local_addr().unwrap()).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    client.write_all(&[1]).await.unwrap();
    assert_eq!(server.read_u8().await.unwrap(), 1);
    proxy.strand();
    proxy.give_up_stranded();
    let told = tokio::time::timeout(PATIENCE, server.read_u8()).await.unwrap();
    assert!(told.is_err());
    // A stranded client can only be seen by an end that stays out.
    let end = tokio::time::timeout(Duration::from_millis(200), client.read_u8()).await;
    assert!(end.is_err());
}

#[tokio::test]
async fn a_connection_may_die_in_the_middle() {
    let proxy = ChaosProxy::start(echo_server().await).await.unwrap();
    proxy.strand_after(3);
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(&[1, 2, 3, 4, 5]).await.unwrap();
    let mut came = [0; 3];
    let coming = tokio::time::timeout(PATIENCE, stream.read_exact(&mut came));
    coming.await.unwrap().unwrap();
    assert_eq!(came, [1, 2, 3]);
    let more = tokio::time::timeout(Duration::from_millis(200), stream.read_u8()).await;
    assert!(more.is_err());
    assert_eq!(proxy.harm().held, 1);
}
