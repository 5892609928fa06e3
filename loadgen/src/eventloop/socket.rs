//! Sockets of an event loop.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Poll, ready};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, socket_with,
    sockopt,
};

use super::Handle;

/// What is known of the sockets, at their places.
#[derive(Default)]
pub(super) struct Sources {
    places: Vec<Source>,
    free: Vec<u32>,
}

#[derive(Clone, Copy, Default)]
struct Source {
    /// The task that waits for it, or did so last.
    owner: Option<u32>,
    /// Whether a read may find something.
    is_readable: bool,
    /// Whether a write may find room.
    is_writable: bool,
    /// Whether the other side has ended: reads find that after what has come.
    has_ended: bool,
    /// How many sockets have been here before: what is said of one of them is not said of this one.
    generation: u32,
}

impl Sources {
    /// Notes what `epoll` says of the socket that it calls `name`, and returns the task to be polled.
    pub(super) fn happened(&mut self, name: u64, flags: EventFlags) -> Option<u32> {
        let [generation, place] = [name >> 32, name & u64::from(u32::MAX)];
        let source = self.places.get_mut(usize::try_from(place).ok()?)?;
        if u64::from(source.generation) != generation {
            return None;
        }
        let has_failed = flags.intersects(EventFlags::ERR | EventFlags::HUP);
        source.has_ended |= has_failed || flags.contains(EventFlags::RDHUP);
        source.is_readable |= source.has_ended || flags.contains(EventFlags::IN);
        source.is_writable |= has_failed || flags.contains(EventFlags::OUT);
        source.owner
    }

    fn add(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.places.push(Source::default());
            u32::try_from(self.places.len() - 1).expect("descriptors end before places do")
        })
    }
}

/// A TCP connection. It is registered once, by edges: `epoll` says what has changed since it was last used.
pub struct Socket {
    fd: OwnedFd,
    handle: Handle,
    place: u32,
}

impl Socket {
    /// Connects to `address`, without Nagle's delay.
    ///
    /// # Errors
    /// The system's.
    pub async fn connect(handle: &Handle, address: SocketAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd = socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&fd, true)?;
        match connect(&fd, &address) {
            Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let socket = Self {
            place: handle.core.sources.borrow_mut().add(),
            fd,
            handle: handle.clone(),
        };
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        let data = EventData::new_u64(socket.name());
        epoll::add(&handle.core.epoll, &socket.fd, data, flags)?;
        socket.writable().await;
        sockopt::socket_error(&socket.fd)??;
        Ok(socket)
    }

    /// Reads what has come, up to the size of `buffer`; 0 bytes are the end.
    pub fn poll_read(&self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let source = ready!(self.poll(|source| source.is_readable));
            match recv(&self.fd, &mut *buffer, RecvFlags::empty()) {
                Ok((count, _)) => {
                    // What is short is all that there was, and more makes an edge; but no edge follows on the end.
                    if 0 < count && count < buffer.len() && !source.has_ended {
                        self.change(|source| source.is_readable = false);
                    }
                    return Poll::Ready(Ok(count));
                }
                // Nothing is there, whatever was said: without that, waiting would be spinning.
                Err(Errno::AGAIN) => self.change(|source| {
                    source.is_readable = false;
                    source.has_ended = false;
                }),
                Err(Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// [`poll_read`](Self::poll_read), waited for.
    ///
    /// # Errors
    /// The system's.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|_| self.poll_read(buffer)).await
    }

    /// Hands over as much of `bytes` as there is room for.
    ///
    /// # Errors
    /// The system's; `WouldBlock` where there is no room.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match send(&self.fd, bytes, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.change(|source| source.is_writable = false);
                    return Err(Errno::AGAIN.into());
                }
                sent => return Ok(sent?),
            }
        }
    }

    /// Waits until there may be room to write.
    pub async fn writable(&self) {
        poll_fn(|_| self.poll(|source| source.is_writable).map(drop)).await;
    }

    /// Waits, in the task that is being polled, until the socket is as it should be.
    fn poll(&self, is_ready: impl FnOnce(&Source) -> bool) -> Poll<Source> {
        let mut sources = self.handle.core.sources.borrow_mut();
        let source = &mut sources.places[self.place as usize];
        if is_ready(source) {
            return Poll::Ready(*source);
        }
        source.owner = Some(self.handle.core.current.get());
        Poll::Pending
    }

    /// What `epoll` calls it.
    pub(super) fn name(&self) -> u64 {
        let source = self.handle.core.sources.borrow().places[self.place as usize];
        u64::from(source.generation) << 32 | u64::from(self.place)
    }

    fn change(&self, change: impl FnOnce(&mut Source)) {
        change(&mut self.handle.core.sources.borrow_mut().places[self.place as usize]);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Socket").field(&self.fd).finish()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Closing it, which follows, takes it out of `epoll`.
        let mut sources = self.handle.core.sources.borrow_mut();
        let source = &mut sources.places[self.place as usize];
        *source = Source {
            generation: source.generation.wrapping_add(1),
            ..Source::default()
        };
        sources.free.push(self.place);
    }
}
