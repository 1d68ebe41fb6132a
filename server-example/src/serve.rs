//! The socket: connections, time limits, and a stop in good order.
//!
//! The loop is our own and not `axum::serve`, because that one has neither a time limit for a
//! request's head, which slow clients would use up all connections without, nor one for taking an
//! answer, nor a limit of connections, nor one for stopping.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Sleep, sleep};

use crate::app::router;
use crate::config::Timeouts;
use crate::state::AppState;

/// How long to wait when no connection can be taken, such as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes that a request's head may have; more is answered with 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Serves until `stop` is done; then ends what is under way, but takes nothing new, and closes the
/// store. Tells whether everything ended in time.
pub async fn serve(listener: TcpListener, state: AppState, stop: impl Future<Output = ()>) -> bool {
    let router = router(state.clone());
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(state.limits.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, place)) => {
                let connection = connection(stream, router.clone(), &state.timeouts);
                let connection = graceful.watch(connection);
                tokio::spawn(async move {
                    // A connection that breaks is the client's affair.
                    let _ = connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    state.stop();
    tracing::info!("stopping");
    let ended = tokio::time::timeout(state.timeouts.stop, async {
        graceful.shutdown().await;
        // What goes on without its client has a permit, too.
        let all = u32::try_from(state.limits.requests).unwrap_or(u32::MAX);
        let _all = state.requests.acquire_many(all).await;
        // Relays give their leases back.
        let _relays = state.relays.write().await;
        state.engine.close().await;
    });
    let ended = ended.await.is_ok();
    if ended {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped before everything had ended");
    }
    ended
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Answers are written whole: there is nothing to wait for.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

type Connection = http1::Connection<TokioIo<Taken>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, router: Router, timeouts: &Timeouts) -> Connection {
    let stream = Taken { stream, limit: timeouts.write, deadline: None };
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.header)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

/// A connection whose other end takes what is sent to it in time, or it breaks. An answer is
/// written as a whole, so the time runs from where the other end first holds it up until all of it
/// is on its way: taking a byte now and then is of no help.
struct Taken {
    stream: TcpStream,
    limit: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Taken {
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_pending() {
            let limit = self.limit;
            let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(limit)));
            if deadline.as_mut().poll(context).is_ready() {
                // Else the system would go on trying to send what is left.
                _ = self.stream.set_zero_linger();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        written
    }
}

impl AsyncRead for Taken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Taken {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked once nothing is left to write.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.deadline = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
