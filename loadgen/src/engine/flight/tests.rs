use std::future::poll_fn;
use std::io::{Read, Write};

use bench_contract::Config;
use bench_report::Settings;

use super::*;
use crate::eventloop::EventLoop;
use crate::http::connect::connect;

fn local(handle: Handle) -> Rc<Local> {
    let shared = Shared {
        origin: Origin::now(),
        addresses: Addresses::once(Vec::new()),
        tls: None,
        api: Api::Completion,
        adapters: None,
        streaming: true,
        reuse: true,
        total_limit: Duration::from_secs(1),
        limits: Timeouts::default(),
        per_request: false,
        counters: Arc::new(Counters::default()),
    };
    let place = StagePlace {
        stage: 0,
        warmup: false,
        origin_ns: 0,
        is_closed: false,
        has_turns: false,
    };
    let collector = StageCollector::new(Arc::new(Settings::from_config(&Config::default())));
    Rc::new(Local::new(
        Arc::new(shared),
        handle,
        Rc::default(),
        place,
        collector,
        None,
        None,
    ))
}

fn flight(local: &Rc<Local>, index: u64) -> Flight {
    let planned = Planned {
        index,
        due_ns: 0,
        input_tokens: 1,
        output_tokens: 1,
        cancel_after_ns: None,
        adapter: None,
    };
    let body = Body {
        planned,
        bytes: b"head body".to_vec(),
        body_bytes: 4,
        input_tokens: None,
        talk: None,
    };
    Flight::dispatch(local, body)
}

#[test]
fn a_task_that_panics_or_is_dropped_leaves_its_record() {
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let local = local(handle.clone());
    let ran = event_loop.block_on(async {
        let panics = flight(&local, 0);
        handle.spawn(async move {
            let _flight = panics;
            panic!("as a bug would");
        });
        let hangs = flight(&local, 1);
        handle.spawn(async move {
            let _flight = hangs;
            std::future::pending::<()>().await;
        });
        handle.task_ended().await;
        assert_eq!(handle.tasks(), 1);
        handle.abort_tasks();
    });
    ran.unwrap();
    let counters = local.shared.counters.clone();
    let counts = Rc::try_unwrap(local).ok().unwrap().end().counts().clone();
    assert!(counts.is_conserved());
    assert_eq!(counts.outcomes[&Outcome::GeneratorError], 1);
    assert_eq!(counts.outcomes[&Outcome::Cancelled], 1);
    assert_eq!(
        (counters.in_flight(), counters.ended_and_failed().0),
        (0, 2)
    );
}

#[test]
fn a_panic_in_the_middle_of_a_reply_closes_its_socket_and_leaves_its_record() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = [0; 9];
        socket.read_exact(&mut request).unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        (request, socket.read(&mut [0; 1]).unwrap())
    });
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let local = local(handle.clone());
    let ran = event_loop.block_on(async {
        let flight = flight(&local, 0);
        handle.spawn(async move {
            let handle = flight.local.handle.clone();
            let limit = Duration::from_secs(10);
            let stream = connect(&handle, address, None, limit).await.unwrap();
            stream.socket().try_write(flight.bytes()).unwrap();
            let mut scratch = [0; 64];
            let count = poll_fn(|_| stream.poll_read(&mut scratch)).await.unwrap();
            panic!("as a bug would, after {count} bytes");
        });
        handle.task_ended().await;
    });
    ran.unwrap();
    assert_eq!(server.join().unwrap(), (*b"head body", 0));
    let counts = Rc::try_unwrap(local).ok().unwrap().end().counts().clone();
    assert!(counts.is_conserved());
    assert_eq!(counts.outcomes[&Outcome::GeneratorError], 1);
}
