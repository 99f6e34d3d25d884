//! Hints that explain a failed script.
//!
//! A transcript shows where a server went wrong. These hints name the typical
//! mistake behind it: the mistakes of first servers.

use crate::wire::request::requests;
use crate::wire::{Client, Response};

/// Observations, one sentence each, the most helpful first.
#[derive(Debug, Default)]
pub struct Clues {
    sentences: Vec<String>,
}

impl Clues {
    /// Collects hints from the connections of a conversation.
    pub fn of<'a>(clients: impl Iterator<Item = &'a Client>) -> Self {
        let mut sentences = Vec::new();
        for client in clients {
            sentences.extend(client.reader.complaint.clone());
            sentences.extend(early(client));
            sentences.extend(count(client));
        }
        Self { sentences }
    }

    /// The sentences, one per paragraph; empty if there are none.
    #[must_use]
    pub fn text(&self) -> String {
        let mut sentences = self.sentences.clone();
        sentences.push(String::new());
        sentences.join(".\n\n")
    }
}

/// A response before the request was complete. That isn't wrong in itself: a
/// server may reject a request early.
fn early(client: &Client) -> Option<String> {
    let after = client.first_response_after?;
    if client.reader.responses.first().is_some_and(Response::is_interim) {
        return None;
    }
    let whole = requests(&client.sent).first()?.end?;
    (after < whole).then(|| {
        format!(
            "the server responded after {after} of {whole} bytes of the first \
             request: it treated the result of one read() as the whole request"
        )
    })
}

/// Fewer or more responses than requests.
fn count(client: &Client) -> Option<String> {
    let requests = requests(&client.sent);
    let asked = requests.iter().filter(|r| r.end.is_some()).count();
    let answered = client.reader.finals();
    if client.reader.complaint.is_some() || asked == 0 {
        return None;
    }
    if answered < asked {
        let kind = if asked > 1 { "pipelined " } else { "" };
        let verb = if answered == 1 { "was" } else { "were" };
        let plural = if asked > 1 { "s" } else { "" };
        return Some(format!(
            "only {answered} of {asked} {kind}request{plural} {verb} answered"
        ));
    }
    (answered > requests.len()).then(|| {
        format!(
            "{answered} responses arrived for {} requests: the server parsed \
             bytes as a request that are not one",
            requests.len()
        )
    })
}
