use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use tokio::sync::oneshot;

use super::*;
use crate::clock::Instant;

const SHORT: Duration = Duration::from_millis(5);

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn run<T>(main: impl AsyncFnOnce(&Handle) -> T) -> T {
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    event_loop.block_on(main(&handle)).unwrap()
}

/// Both ends of a connection.
async fn pair(handle: &Handle) -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let socket = Socket::connect(handle, address).await.unwrap();
    (socket, listener.accept().unwrap().0)
}

#[test]
fn instants_come_in_their_order_and_never_early() {
    let order = run(async |handle| {
        let order = Rc::new(RefCell::new(Vec::new()));
        let start = Instant::now();
        for place in [3u64, 1, 2, 0] {
            let (handle, order) = (handle.clone(), order.clone());
            handle.clone().spawn(async move {
                let due = start.plus(place * 2_000_000);
                handle.until(due).await;
                assert!(Instant::now() >= due);
                order.borrow_mut().push(place);
            });
        }
        while handle.tasks() > 0 {
            handle.task_ended().await;
        }
        order.take()
    });
    assert_eq!(order, [0, 1, 2, 3]);
}

#[test]
fn what_comes_due_in_the_middle_of_a_turn_does_not_wait_for_its_end() {
    const TASKS: usize = 40;
    let done = run(async |handle| {
        let done = Rc::new(Cell::new(0));
        for _ in 0..TASKS {
            let done = done.clone();
            handle.spawn(async move {
                std::thread::sleep(SHORT);
                done.set(done.get() + 1);
            });
        }
        let mut seen = Vec::new();
        for _ in 0..3 {
            handle.until(Instant::now().plus(1)).await;
            seen.push(done.get());
        }
        handle.next_turn().await;
        seen.push(done.get());
        seen
    });
    assert!(done.is_sorted() && done[2] < TASKS, "{done:?}");
    assert_eq!(done[3], TASKS, "what came in the meantime waits that long");
}

#[test]
fn a_limit_ends_what_takes_longer_and_nothing_else() {
    run(async |handle| {
        assert_eq!(handle.timeout(LONG, async { 1 }).await, Some(1));
        assert_eq!(handle.timeout(SHORT, handle.sleep(LONG)).await, None);
        assert_eq!(handle.timeout(LONG, handle.sleep(SHORT)).await, Some(()));
        let mut timers = handle.core.timers.borrow_mut();
        assert_eq!(timers.next_to_arm(), None, "what is given up is forgotten");
    });
}

#[test]
fn bytes_go_both_ways_in_any_number_of_pieces() {
    const COUNT: usize = 5_000_000;
    let received = run(async |handle| {
        let (socket, mut peer) = pair(handle).await;
        // More than the kernel takes at once in either direction, so that both sides have to wait for room.
        let echo = std::thread::spawn(move || {
            let mut bytes = vec![0; COUNT];
            peer.read_exact(&mut bytes).unwrap();
            peer.write_all(&bytes).unwrap();
        });
        let sent: Vec<u8> = (0..COUNT).map(|place| (place % 251) as u8).collect();
        let mut rest = sent.as_slice();
        while !rest.is_empty() {
            socket.writable().await;
            match socket.try_write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        let (mut received, mut buffer) = (Vec::new(), vec![0; 10_000]);
        loop {
            match socket.read(&mut buffer).await.unwrap() {
                0 => break,
                count => received.extend_from_slice(&buffer[..count]),
            }
        }
        echo.join().unwrap();
        assert!(received == sent);
        received.len()
    });
    assert_eq!(received, COUNT);
}

#[test]
fn an_end_that_came_with_the_last_bytes_is_seen() {
    run(async |handle| {
        let (socket, mut peer) = pair(handle).await;
        peer.write_all(b"last").unwrap();
        drop(peer);
        handle.sleep(SHORT).await;
        let mut buffer = [0; 100];
        assert_eq!(socket.read(&mut buffer).await.unwrap(), 4);
        assert_eq!(socket.read(&mut buffer).await.unwrap(), 0);
        assert_eq!(socket.read(&mut buffer).await.unwrap(), 0, "and stays");
    });
}

#[test]
fn a_socket_belongs_to_whatever_task_waits_for_it() {
    run(async |handle| {
        let (socket, mut peer) = pair(handle).await;
        let socket = Rc::new(socket);
        for text in [b"one", b"two"] {
            let waiting = socket.clone();
            handle.spawn(async move {
                let mut buffer = [0; 100];
                let count = waiting.read(&mut buffer).await.unwrap();
                assert_eq!(&buffer[..count], text);
            });
            handle.sleep(SHORT).await;
            assert_eq!(handle.tasks(), 1, "nothing has come yet");
            peer.write_all(text).unwrap();
            handle.task_ended().await;
            assert_eq!(handle.tasks(), 0);
        }
    });
}

#[test]
fn nobody_listening_is_an_error_of_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = run(async |handle| Socket::connect(handle, address).await.unwrap_err());
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn what_was_said_of_a_closed_socket_is_not_said_of_the_next_at_its_place() {
    run(async |handle| {
        let (first, _peer) = pair(handle).await;
        let name = first.name();
        drop(first);
        let (second, _peer) = pair(handle).await;
        assert_ne!(second.name(), name);
        assert_eq!(second.name() as u32, name as u32, "the place is the same");
        let mut sources = handle.core.sources.borrow_mut();
        assert_eq!(sources.happened(name, EventFlags::IN), None);
        drop(sources);
        let mut buffer = [0; 1];
        assert!(second.poll_read(&mut buffer).is_pending());
    });
}

#[test]
fn wake_ups_from_other_threads_end_the_sleep() {
    let said = run(async |handle| {
        let (sender, receiver) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(SHORT);
            sender.send("here").unwrap();
        });
        let said = handle.timeout(LONG, receiver).await.unwrap().unwrap();
        thread.join().unwrap();
        said
    });
    assert_eq!(said, "here");
}

#[test]
fn a_task_that_panics_is_dropped_and_the_others_go_on() {
    struct Witness(Rc<RefCell<Vec<bool>>>);
    impl Drop for Witness {
        fn drop(&mut self) {
            self.0.borrow_mut().push(std::thread::panicking());
        }
    }
    let seen = Rc::new(RefCell::new(Vec::new()));
    run(async |handle| {
        for panics in [true, false] {
            let witness = Witness(seen.clone());
            handle.spawn(async move {
                let _witness = witness;
                assert!(!panics, "as it should");
            });
        }
        while handle.tasks() > 0 {
            handle.task_ended().await;
        }
    });
    assert_eq!(seen.take(), [true, false]);
}

#[test]
fn tasks_that_are_given_up_are_dropped_with_what_they_hold() {
    let held = Rc::new(());
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let main = async {
        for _ in 0..3 {
            let (held, handle) = (held.clone(), handle.clone());
            handle.clone().spawn(async move {
                handle.sleep(LONG).await;
                drop(held);
            });
        }
        handle.sleep(SHORT).await;
        assert_eq!((handle.tasks(), Rc::strong_count(&held)), (3, 4));
        handle.abort_tasks();
        assert_eq!((handle.tasks(), Rc::strong_count(&held)), (0, 1));
        let held = held.clone();
        handle.spawn(async move { drop(held) });
    };
    event_loop.block_on(main).unwrap();
    assert_eq!(Rc::strong_count(&held), 2, "it has not begun");
    drop(event_loop);
    assert_eq!(Rc::strong_count(&held), 1);
}
