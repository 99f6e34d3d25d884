//! What went by while a script was played that explains a difference.
//!
//! A transcript shows where a server went wrong; these say what it did wrong,
//! for the mistakes that first servers make.

use crate::wire::request::requests;
use crate::wire::{Answer, Client};

/// What was noticed, one sentence each, the most telling first.
#[derive(Debug, Default)]
pub struct Clues {
    sentences: Vec<String>,
}

impl Clues {
    /// What the connections of a conversation show.
    pub fn of<'a>(clients: impl Iterator<Item = &'a Client>) -> Self {
        let mut sentences = Vec::new();
        for client in clients {
            sentences.extend(client.reader.complaint.clone());
            sentences.extend(early(client));
            sentences.extend(count(client));
        }
        Self { sentences }
    }

    /// The sentences, a paragraph each; empty if nothing was noticed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut sentences = self.sentences.clone();
        sentences.push(String::new());
        sentences.join(".\n\n")
    }
}

/// An answer before the request was whole. A refusal may come early, so this
/// is no fault in itself.
fn early(client: &Client) -> Option<String> {
    let after = client.first_answer_after?;
    if client.reader.answers.first().is_some_and(Answer::is_interim) {
        return None;
    }
    let whole = requests(&client.sent).first()?.end?;
    (after < whole).then(|| {
        format!(
            "the server answered after {after} of {whole} bytes of the first \
             request: it took what one read() returned for all of it"
        )
    })
}

/// Fewer or more answers than requests.
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
            "{answered} answers came for {} requests: some bytes were taken \
             for a request that is none",
            requests.len()
        )
    })
}
