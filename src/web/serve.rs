//! The console's connections: each for itself, and none keeps the daemon from stopping.
//!
//! A browser that goes to sleep, or a program that probes, may leave a request half sent. Its head must be there within
//! [`HEAD`], and whoever has not been answered [`DRAIN`] after the daemon was asked to stop is cut off.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::router;
use super::throttle::Peer;
use crate::office::Office;

/// How long the head of a request may take, from the opening of the connection or the answer before.
const HEAD: Duration = Duration::from_secs(30);
/// How long requests under way may go on when the daemon stops. A call list takes a second or two.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves the console until `shutdown` is done and the requests under way are answered, or have had their time.
pub async fn serve(office: Arc<Office>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    serve_within(router(office), listener, shutdown, HEAD, DRAIN).await;
}

async fn serve_within(
    router: Router,
    mut listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    head: Duration,
    drain: Duration,
) {
    let stop = CancellationToken::new();
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, from) = Listener::accept(&mut listener) => {
                let router = router.clone().layer(Extension(Peer(from.ip())));
                open.spawn(answer(stream, router, head, stop.clone()));
            }
            // Only so that those that have ended are not kept.
            Some(_) = open.join_next() => {}
        }
    }
    drop(listener);
    stop.cancel();
    let all_answered = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, all_answered).await.is_err() {
        tracing::warn!(connections = open.len(), "requests were not finished in time, and are cut off");
        open.shutdown().await;
    }
}

/// Answers the requests of one connection; once told to stop, that under way is the last.
async fn answer(stream: TcpStream, router: Router, head: Duration, stop: CancellationToken) {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::task::JoinHandle;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(200);

    struct Server {
        stop: CancellationToken,
        task: JoinHandle<()>,
        stream: TcpStream,
    }

    /// A server whose only page takes a while, and a connection to it on which `sent` was sent.
    async fn server(sent: &[u8], head: Duration, drain: Duration) -> Server {
        let slow = get(async || {
            tokio::time::sleep(SHORT).await;
            "answered"
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let stop = CancellationToken::new();
        let router = Router::new().route("/slow", slow);
        let task = tokio::spawn(serve_within(router, listener, stop.clone().cancelled_owned(), head, drain));
        tokio::time::sleep(SHORT / 2).await;
        Server { stop, task, stream }
    }

    #[tokio::test]
    async fn a_request_that_was_half_sent_does_not_keep_the_daemon_from_stopping() {
        let server = server(b"GET /slow HTTP/1.1\r\nHost: loc", LONG, SHORT).await;
        let began = Instant::now();
        server.stop.cancel();
        server.task.await.unwrap();
        assert!(began.elapsed() < LONG / 10);
    }

    #[tokio::test]
    async fn a_request_whose_head_does_not_come_in_time_is_cut_off() {
        let mut server = server(b"GET /slow HTTP/1.1\r\nHost: loc", SHORT, LONG).await;
        let mut answer = String::new();
        tokio::time::timeout(LONG / 10, server.stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(!answer.contains("200 OK"), "{answer}");
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_before_the_daemon_stops() {
        let mut server = server(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n", LONG, LONG).await;
        server.stop.cancel();
        let mut answer = String::new();
        server.stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("answered"), "{answer}");
        server.task.await.unwrap();
    }
}
