//! The least that receiving a stream costs on this machine: one thread, `epoll` and `read`, nothing parsed. What a load
//! generator takes more than this is its own.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;

use loadgen::clock::{Instant, cpu_ns, seconds};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// The mark of the timer among the sockets' numbers.
const TIMER: u64 = u64::MAX;

/// The end of a chunked body.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// What is sent: `requests` copies of `request` to `address`, `rate` a second.
pub(crate) struct Load<'a> {
    pub(crate) address: &'a str,
    pub(crate) request: &'a [u8],
    pub(crate) rate: f64,
    pub(crate) requests: u64,
}

/// Sends a load, receives the replies to their ends, and returns the CPU time that it took, in seconds.
pub(crate) fn run(load: &Load<'_>) -> io::Result<f64> {
    let before = cpu_ns();
    loadgen::eventloop::sharpen()?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let timer = timerfd_create(
        TimerfdClockId::Monotonic,
        TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
    )?;
    epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
    let mut client = Client {
        load,
        epoll: &epoll,
        sockets: Vec::new(),
        idle: Vec::new(),
        ended: 0,
    };
    let start = Instant::now().plus(20_000_000);
    let due = |k: u64| start.plus((k as f64 / load.rate * 1e9).round() as u64);
    let mut next = 0;
    arm(&timer, due(0))?;
    let mut events: Vec<Event> = Vec::with_capacity(256);
    let mut buffer = vec![0; 64 * 1024];
    while client.ended < load.requests {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let data = event.data.u64();
            if data != TIMER {
                client.receive(data as usize, &mut buffer)?;
                continue;
            }
            let _ = rustix::io::read(&timer, &mut [0; 8]);
            while next < load.requests && Instant::now() >= due(next) {
                client.send()?;
                next += 1;
            }
            if next < load.requests {
                arm(&timer, due(next))?;
            }
        }
    }
    Ok(seconds(cpu_ns() - before))
}

fn arm(timer: impl AsFd, at: Instant) -> io::Result<()> {
    let once = Itimerspec {
        it_interval: Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        },
        it_value: at.timespec(),
    };
    timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &once)?;
    Ok(())
}

struct Client<'a> {
    load: &'a Load<'a>,
    epoll: &'a rustix::fd::OwnedFd,
    sockets: Vec<TcpStream>,
    idle: Vec<usize>,
    ended: u64,
}

impl Client<'_> {
    fn send(&mut self) -> io::Result<()> {
        let place = match self.idle.pop() {
            Some(place) => place,
            None => self.open()?,
        };
        self.sockets[place].write_all(self.load.request)
    }

    fn open(&mut self) -> io::Result<usize> {
        let socket = TcpStream::connect(self.load.address)?;
        socket.set_nodelay(true)?;
        let place = self.sockets.len();
        epoll::add(
            self.epoll,
            &socket,
            EventData::new_u64(place as u64),
            EventFlags::IN,
        )?;
        self.sockets.push(socket);
        Ok(place)
    }

    /// One read of a socket that has something. The last chunk of a reply comes in the write of its last event.
    fn receive(&mut self, place: usize, buffer: &mut [u8]) -> io::Result<()> {
        let count = self.sockets[place].read(buffer)?;
        if count == 0 {
            return Err(io::Error::other("the simulator closed a connection"));
        }
        if buffer[..count].ends_with(LAST_CHUNK) {
            self.idle.push(place);
            self.ended += 1;
        }
        Ok(())
    }
}
