//! Requests and answers on keep-alive connections.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::info::TcpInfo;
use super::sockets::pair;
use super::{Stop, median};

/// How often, and on how many connections, one after the other.
const TIMES: u32 = 5;

/// Asks for answers of so many bytes. Returns how many segments an answer was,
/// and the median time from the second one on: of the first the kernel
/// acknowledges every part at once.
///
/// # Errors
/// If an answer does not come.
pub fn talk<Answer>(
    bytes: usize,
    answer: Answer,
) -> Result<(String, Duration), Stop>
where
    Answer: Fn(&TcpStream) -> nix::Result<()> + Sync,
{
    let (mut times, mut segments) = (Vec::new(), 0);
    for _ in 0..TIMES {
        let (mut client, server) = pair()?;
        segments += thread::scope(|scope| {
            let serving = scope.spawn(|| serve(server, &answer));
            for request in 0..TIMES {
                let start = Instant::now();
                client.write_all(b"a request")?;
                client.read_exact(&mut vec![0; bytes])?;
                if request > 0 {
                    times.push(start.elapsed());
                }
            }
            // It is the end of the server's reading.
            drop(client);
            serving.join().map_err(|_| "a thread panicked")?
        })?;
    }
    let each = f64::from(segments) / f64::from(TIMES * TIMES);
    Ok((each.round().to_string(), median(times)))
}

/// How many segments it sent, to the end of a connection.
fn serve<Answer>(mut server: TcpStream, answer: &Answer) -> Result<u32, Stop>
where
    Answer: Fn(&TcpStream) -> nix::Result<()>,
{
    while let Ok(1..) = server.read(&mut [0; 100]) {
        answer(&server)?;
    }
    let info = TcpInfo::of(&server)?;
    Ok(info.data_segs_out - info.total_retrans)
}
