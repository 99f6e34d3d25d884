//! `TCP_INFO` (tcp(7)): what the kernel knows about a connection.

use std::os::fd::AsFd;

use super::options::fetch;

/// The fields that the labs use, laid out as `struct tcp_info` in
/// `linux/tcp.h`. The C libraries define only the first of them.
#[derive(Debug, Clone, Copy)]
pub struct TcpInfo {
    /// The state: `ESTABLISHED` and so on.
    pub state: &'static str,
    /// Keep-alive or window probes without a reply so far.
    pub probes: u32,
    /// How often the segment in flight was retransmitted.
    pub retransmits: u32,
    /// Whether data in the SYN was accepted (RFC 7413), on either side.
    pub syn_data: bool,
    /// Segments in flight. For a listener: the length of its accept queue.
    pub unacked: u32,
    /// Segments known to have arrived out of order. For a listener: its
    /// backlog.
    pub sacked: u32,
    /// Milliseconds since the last byte arrived.
    pub last_data_recv: u32,
    /// Milliseconds since the last acknowledgement arrived.
    pub last_ack_recv: u32,
    /// Total number of retransmissions.
    pub total_retrans: u32,
    /// Segments with data sent.
    pub data_segs_out: u32,
}

/// One of the bits of its sixth byte, `tcpi_options` (`linux/tcp.h`).
const SYN_DATA: u8 = 32;

/// The states by their numbers, from 0 (`net/tcp_states.h`).
const STATES: [&str; 13] = [
    "?",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "NEW_SYN_RECV",
];

impl TcpInfo {
    /// Reads it from the kernel.
    ///
    /// # Errors
    /// As getsockopt(2).
    pub fn of(socket: &impl AsFd) -> nix::Result<Self> {
        // The structure begins with eight one-byte fields; the rest are 32-bit
        // fields, which therefore start at the third word.
        let mut words = [0_u32; 64];
        fetch(socket, libc::IPPROTO_TCP, libc::TCP_INFO, &mut words)?;
        let bytes = words[0].to_ne_bytes();
        let state = usize::from(bytes[0]);
        Ok(Self {
            state: STATES.get(state).unwrap_or(&"?"),
            retransmits: bytes[2].into(),
            probes: bytes[3].into(),
            syn_data: words[1].to_ne_bytes()[1] & SYN_DATA != 0,
            unacked: words[6],
            sacked: words[7],
            last_data_recv: words[13],
            last_ack_recv: words[14],
            total_retrans: words[25],
            data_segs_out: words[39],
        })
    }
}
