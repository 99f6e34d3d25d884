//! Requests and responses on keep-alive connections.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::info::TcpInfo;
use super::sockets::pair;
use super::{Stop, median};

/// Number of requests per connection, and number of connections.
const TIMES: u32 = 5;

/// Makes requests with responses of `bytes` bytes. Returns the number of
/// segments per response, and the median time. The first response of each
/// connection doesn't count: the kernel acknowledges every part of it at once.
///
/// # Errors
/// If a response does not arrive.
pub fn talk<Response>(
    bytes: usize,
    respond: Response,
) -> Result<(String, Duration), Stop>
where
    Response: Fn(&TcpStream) -> nix::Result<()> + Sync,
{
    let (mut times, mut segments) = (Vec::new(), 0);
    for _ in 0..TIMES {
        let (mut client, server) = pair()?;
        segments += thread::scope(|scope| {
            let serving = scope.spawn(|| serve(server, &respond));
            for request in 0..TIMES {
                let start = Instant::now();
                client.write_all(b"a request")?;
                client.read_exact(&mut vec![0; bytes])?;
                if request > 0 {
                    times.push(start.elapsed());
                }
            }
            // The server's read returns 0 and its loop ends.
            drop(client);
            serving.join().map_err(|_| "a thread panicked")?
        })?;
    }
    let each = f64::from(segments) / f64::from(TIMES * TIMES);
    Ok((each.round().to_string(), median(times)))
}

/// Serves one connection and returns the number of segments sent.
fn serve<Response>(
    mut server: TcpStream,
    respond: &Response,
) -> Result<u32, Stop>
where
    Response: Fn(&TcpStream) -> nix::Result<()>,
{
    while let Ok(1..) = server.read(&mut [0; 100]) {
        respond(&server)?;
    }
    let info = TcpInfo::of(&server)?;
    Ok(info.data_segs_out - info.total_retrans)
}
