//! Listening, and stopping without losing a call.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use llm_core::{Error, ErrorKind, Result};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::util::MapRequest;

use crate::{Gateway, azure};

/// How long a client may take to send the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// How long the rest of the shutdown may take once the last connection is closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// A gateway that listens.
#[derive(Debug)]
pub struct Server {
    gateway: Arc<Gateway>,
    listener: TcpListener,
}

impl Server {
    /// Binds the address; port 0 takes a free one.
    pub async fn bind(gateway: Arc<Gateway>, address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, format!("can't listen on `{address}`: {error}")))?;
        Ok(Self { gateway, listener })
    }

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener
            .local_addr()
            .map_err(|error| Error::new(ErrorKind::Internal, "the socket is gone").with_source(error))
    }

    /// Serves until `stop` is done; then takes no more connections, lets calls in flight finish for as long as the
    /// configuration's `drain` says, and closes the gateway.
    pub async fn run(self, router: Router, stop: impl Future<Output = ()>) -> Result<()> {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE);
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let stream = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Out of file descriptors, most likely: those that end make room.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    }
                },
                // Those that ended are let go of.
                Some(_) = connections.join_next() => continue,
                () = &mut stop => break,
            };
            // Nagle's algorithm against delayed acknowledgements costs 40 ms an answer.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection is slower than it could be");
            }
            let service = TowerToHyperService::new(MapRequest::new(router.clone(), azure::as_openai));
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
            let watched = graceful.watch(connection);
            connections.spawn(async move {
                if let Err(error) = watched.await {
                    tracing::debug!(error = %error, "a connection ended badly");
                }
            });
        }
        drop(self.listener);
        let drain = self.gateway.config().drain.0;
        if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("some calls did not finish in time; they are charged by what had arrived");
            connections.shutdown().await;
        }
        self.gateway.close(CLOSE_PATIENCE).await
    }
}

/// Done when the process is told to stop: SIGTERM or SIGINT. From this call on, not from the first poll, neither ends
/// the process by itself.
pub fn told_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            tracing::warn!(
                "signals can't be awaited; stop the process by killing it, which loses nothing that was settled"
            );
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
