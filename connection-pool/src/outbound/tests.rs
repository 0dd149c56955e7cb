//! Moments that threads meet once in a million, made to happen: what another caller does while the lock
//! is held is done from inside the socket.

use std::sync::atomic::AtomicUsize;

use pravega_wire_protocol::KeepAlive;

use super::*;

/// Length of the frame that the tests send, in bytes.
const FRAME: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Write,
    Flush,
}

type Script = Box<dyn FnMut(Step, usize) -> Poll<io::Result<usize>> + Send>;

/// A socket that does what a function says.
struct Socket(Script);

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        (self.0)(Step::Write, bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        (self.0)(Step::Flush, 0).map_ok(|_| ())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// An outbound whose socket does what `script` says, given the outbound, the step, how often a step has
/// been done before, and the bytes offered.
fn scripted(
    mut script: impl FnMut(&Outbound, Step, usize, usize) -> Poll<io::Result<usize>> + Send + 'static,
) -> Arc<Outbound> {
    Arc::new_cyclic(|outbound: &std::sync::Weak<Outbound>| {
        let outbound = std::sync::Weak::clone(outbound);
        let mut calls = 0;
        Outbound::new(Box::new(Socket(Box::new(move |step, offered| {
            let outbound = outbound.upgrade().unwrap();
            calls += 1;
            script(&outbound, step, calls - 1, offered)
        }))))
    })
}

fn push(outbound: &Outbound) {
    outbound.push(&Request::KeepAlive(KeepAlive)).unwrap();
}

/// A caller on another thread, as far as the lock is concerned.
fn send(outbound: &Outbound) {
    push(outbound);
    outbound.pump();
}

#[test]
fn nothing_is_written_before_the_task_has_run() {
    let outbound = scripted(|_, _, _, offered| Poll::Ready(Ok(offered)));
    send(&outbound);
    assert_eq!((outbound.written(), outbound.queued()), (0, FRAME));
    outbound.set_waker(Waker::noop());
    outbound.pump();
    assert_eq!((outbound.written(), outbound.queued()), (8, 0));
}

#[test]
fn a_frame_that_comes_while_the_last_one_is_flushed_is_not_left_behind() {
    let outbound = scripted(|outbound, step, call, offered| {
        if (step, call) == (Step::Flush, 1) {
            send(outbound);
        }
        Poll::Ready(Ok(offered))
    });
    outbound.set_waker(Waker::noop());
    send(&outbound);
    assert_eq!((outbound.written(), outbound.queued()), (16, 0));
}

#[test]
fn a_task_that_is_woken_while_a_caller_finds_the_socket_full_is_not_forgotten() {
    let outbound = scripted(|outbound, _, call, offered| match call {
        0 => {
            // There is room again at once; the task is woken, and finds the lock taken.
            outbound.pump();
            Poll::Pending
        }
        _ => Poll::Ready(Ok(offered)),
    });
    outbound.set_waker(Waker::noop());
    send(&outbound);
    assert_eq!((outbound.written(), outbound.drained()), (8, 1));
}

#[test]
fn a_flush_that_has_to_wait_is_done_by_the_task() {
    let outbound = scripted(|_, step, call, offered| match (step, call) {
        (Step::Flush, 1) => Poll::Pending,
        _ => Poll::Ready(Ok(offered)),
    });
    outbound.set_waker(Waker::noop());
    send(&outbound);
    assert_eq!((outbound.written(), outbound.drained()), (8, 0));
    outbound.pump();
    assert_eq!((outbound.written(), outbound.drained()), (8, 1));
    // Nothing is left to do: the socket is not asked again.
    outbound.pump();
    assert_eq!(outbound.drained(), 1);
}

#[test]
fn a_full_socket_is_left_to_the_task_and_counts_as_moving_when_it_takes_more() {
    let outbound = scripted(|_, _, call, offered| match call {
        0 => Poll::Ready(Ok(3)),
        1 => Poll::Pending,
        _ => Poll::Ready(Ok(offered)),
    });
    outbound.set_waker(Waker::noop());
    send(&outbound);
    assert_eq!((outbound.written(), outbound.drained()), (3, 0));
    outbound.pump();
    assert_eq!((outbound.written(), outbound.drained()), (8, 1));
}

#[test]
fn one_turn_writes_so_much_and_wakes_the_task_for_the_rest() {
    struct Count(AtomicUsize);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let woken = Arc::new(Count(AtomicUsize::new(0)));
    // Everybody else goes on sending as fast as the socket takes it.
    let outbound = scripted(|outbound, step, _, offered| {
        if step == Step::Write {
            push(outbound);
        }
        Poll::Ready(Ok(offered))
    });
    outbound.set_waker(&Arc::clone(&woken).into());
    send(&outbound);
    let written = usize::try_from(outbound.written()).unwrap();
    assert!((WRITE_TURN_BYTES..WRITE_TURN_BYTES + FRAME).contains(&written));
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
}

#[test]
fn errors_and_sockets_that_take_nothing_end_writing() {
    for taken in [0, 1] {
        let outbound = scripted(move |_, _, _, _| match taken {
            0 => Poll::Ready(Ok(0)),
            _ => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        });
        outbound.set_waker(Waker::noop());
        send(&outbound);
        let first = outbound.failure().unwrap();
        send(&outbound);
        assert!(Arc::ptr_eq(&first, &outbound.failure().unwrap()));
        assert_eq!(outbound.queued(), 0);
    }
}

#[test]
fn closing_drops_what_waits() {
    let outbound = scripted(|_, _, _, _| Poll::Pending);
    outbound.set_waker(Waker::noop());
    send(&outbound);
    push(&outbound);
    outbound.close();
    assert_eq!((outbound.queued(), outbound.written()), (0, 0));
}
