//! Has the server read what we sent? We ask the kernel (`sock_diag(7)`).
//!
//! `TCP_NODELAY` makes each write a separate segment, but the server may still
//! read two queued segments at once. So "byte by byte" means: send a byte, wait
//! until the peer's receive buffer is empty, send the next one. Where the
//! kernel can't tell (across network namespaces, say), the sender just
//! continues.

use std::io;
use std::mem::size_of;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const TCP_LISTEN: u8 = 10;

// In the types of the message, narrower than libc's.
const NLM_F_REQUEST: u16 = 1;
const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;

#[repr(C)]
#[derive(Clone, Copy)]
struct SocketId {
    source_port: u16,
    destination_port: u16,
    source: [u32; 4],
    destination: [u32; 4],
    interface: u32,
    cookie: [u32; 2],
}

#[repr(C)]
struct Query {
    header: libc::nlmsghdr,
    family: u8,
    protocol: u8,
    extensions: u8,
    padding: u8,
    states: u32,
    id: SocketId,
}

#[repr(C)]
struct Reply {
    header: libc::nlmsghdr,
    family: u8,
    state: u8,
    timer: u8,
    retransmits: u8,
    id: SocketId,
    expires: u32,
    receive_queue: u32,
    send_queue: u32,
    user: u32,
    inode: u32,
}

/// A view of the socket at the other end of a loopback connection.
#[derive(Debug)]
pub struct Peer {
    netlink: OwnedFd,
    ours: SocketAddr,
    theirs: SocketAddr,
}

impl Peer {
    /// The peer of the socket that is bound to `ours` and connected to
    /// `theirs`; `None` where the kernel offers no `sock_diag`.
    #[must_use]
    pub fn new(ours: SocketAddr, theirs: SocketAddr) -> Option<Self> {
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
        // SAFETY: no pointers are passed.
        let fd = unsafe {
            libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_SOCK_DIAG)
        };
        if fd < 0 {
            return None;
        }
        // SAFETY: `fd` was just opened and nobody else owns it.
        let netlink = unsafe { OwnedFd::from_raw_fd(fd) };
        Some(Self { netlink, ours, theirs })
    }

    /// Waits until the server has read everything that has arrived, at most for
    /// `limit`. Returns whether it has.
    #[must_use]
    pub fn wait_until_read(&self, limit: Duration) -> bool {
        let start = Instant::now();
        loop {
            match self.unread() {
                Ok(0) | Err(_) => return true,
                Ok(_) if start.elapsed() > limit => return false,
                Ok(_) => thread::yield_now(),
            }
        }
    }

    /// Bytes in the peer's receive buffer.
    fn unread(&self) -> io::Result<u32> {
        let SocketAddr::V4(ours) = self.ours else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let SocketAddr::V4(theirs) = self.theirs else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        // The query is about the *peer's* socket: its source is our
        // destination. Ports and addresses are in network byte order.
        let address = |ip: &std::net::Ipv4Addr| u32::from_ne_bytes(ip.octets());
        let id = SocketId {
            source_port: theirs.port().to_be(),
            destination_port: ours.port().to_be(),
            source: [address(theirs.ip()), 0, 0, 0],
            destination: [address(ours.ip()), 0, 0, 0],
            interface: 0,
            cookie: [u32::MAX; 2],
        };
        let reply = self.ask(id)?;
        // After the connection is gone, the kernel describes the listener.
        if reply.state == TCP_LISTEN {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(reply.receive_queue)
    }

    fn ask(&self, id: SocketId) -> io::Result<Reply> {
        let length = u32::try_from(size_of::<Query>()).unwrap_or(0);
        let query = Query {
            header: libc::nlmsghdr {
                nlmsg_len: length,
                nlmsg_type: SOCK_DIAG_BY_FAMILY,
                nlmsg_flags: NLM_F_REQUEST,
                nlmsg_seq: 0,
                nlmsg_pid: 0,
            },
            family: AF_INET,
            protocol: IPPROTO_TCP,
            extensions: 0,
            padding: 0,
            states: u32::MAX,
            id,
        };
        let fd = self.netlink.as_raw_fd();
        // SAFETY: the pointer and the length describe `query`, plain data.
        let sent = unsafe {
            libc::send(fd, (&raw const query).cast(), size_of::<Query>(), 0)
        };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut buffer = [0_u64; 64];
        let capacity = size_of_val(&buffer);
        // SAFETY: the kernel writes at most `capacity` bytes into `buffer`.
        let got =
            unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), capacity, 0) };
        let complete =
            usize::try_from(got).is_ok_and(|n| n >= size_of::<Reply>());
        // SAFETY: the buffer is aligned, initialised, and larger than a
        // `Reply`, which is plain data.
        let reply = unsafe { buffer.as_ptr().cast::<Reply>().read() };
        if complete && reply.header.nlmsg_type == SOCK_DIAG_BY_FAMILY {
            Ok(reply)
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }
}
