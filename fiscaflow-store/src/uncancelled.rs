//! Writes that go on without their caller.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use fiscaflow_core::{Error, ErrorCode, Result};
use tokio::runtime::Handle;

use crate::{check_runtime, closed};

/// Runs a write to its end, whatever becomes of the caller. Whoever waits for it runs it: a task of
/// its own for each write would cost two changes of threads. Where the caller stops waiting, a task
/// takes over what is left.
pub(crate) async fn uncancelled(
    write: impl Future<Output = Result<()>> + Send + 'static,
) -> Result<()> {
    Write { runtime: check_runtime()?, left: Some(Box::pin(write)) }.await
}

struct Write {
    left: Option<Pin<Box<dyn Future<Output = Result<()>> + Send>>>,
    runtime: Handle,
}

impl Future for Write {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(left) = &mut self.left else { return Poll::Ready(Err(closed())) };
        let polled = catch_unwind(AssertUnwindSafe(|| left.as_mut().poll(context)));
        let polled = polled.unwrap_or_else(|_| {
            Poll::Ready(Err(Error::new(ErrorCode::Internal, "the write ended in a panic")))
        });
        if polled.is_ready() {
            self.left = None;
        }
        polled
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        if let Some(left) = self.left.take() {
            self.runtime.spawn(left);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_its_caller_leaves_goes_on() {
        // Holds: a write that was begun and dropped comes to its end in a task, also where it is
        // dropped by a thread that knows nothing of the runtime.
        for apart in [false, true] {
            let (go_on, goes_on) = oneshot::channel();
            let (tell, told) = oneshot::channel();
            let mut write = Box::pin(uncancelled(async move {
                goes_on.await.unwrap();
                tell.send("done").unwrap();
                Ok(())
            }));
            let mut context = Context::from_waker(Waker::noop());
            assert!(write.as_mut().poll(&mut context).is_pending());
            if apart {
                std::thread::spawn(move || drop(write)).join().unwrap();
            } else {
                drop(write);
            }
            go_on.send(()).unwrap();
            assert_eq!(told.await, Ok("done"));
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        // Holds: whoever waits for a write that panics hears that it did, and nothing of why.
        let mut write = pin!(uncancelled(async { panic!("canary") }));
        let error = write.as_mut().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Internal);
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[test]
    fn without_a_runtime_nothing_is_begun() {
        // Holds: a write outside a runtime is refused before it is polled.
        let mut write = pin!(uncancelled(async { panic!("begun") }));
        let Poll::Ready(answer) = write.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("it waits");
        };
        assert_eq!(answer.unwrap_err().code(), ErrorCode::Internal);
    }
}
