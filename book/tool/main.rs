//! The book's tool: builds the book, checks it, and serves it.
//!
//! | module | what it does |
//! | --- | --- |
//! | `serve` | `cargo book`: build everything, then become the server |
//! | `adapt` | what a narrow page needs of the finished HTML |
//! | `render` | runs mdBook's library, and lets no warning pass |
//! | `strict` | the preprocessor: all pages, then what joins them |
//! | `page` | one page: its directives, code blocks and links |
//! | `directive` | the `{{#...}}` lines and what each turns into |
//! | `library` | the files a page can show: sources, snapshots, scripts |
//! | `excerpt`, `items`, `anchor` | parts of a file, by anchor or by name |
//! | `diff` | what a stage changes |
//! | `steps` | the sub-steps between two stages |
//! | `practice` | bugs to find, and exercises |
//! | `colour` | Rust in colours, line by line |
//! | `diagram` | svgbob drawings as SVG |
//! | `options`, `facts` | the socket options, from `options.toml` |
//! | `option_box` | the facts on one of them, as its page shows them |
//! | `glossary` | the terms, and the first use of each on a page |
//! | `snapshot` | the files of insta |
//! | `kernel` | what the tests saw the kernel do, held against these |
//! | `links` | where a link leads, and whether that exists |

mod adapt;
mod anchor;
mod colour;
mod csv;
mod diagram;
mod diff;
mod directive;
mod excerpt;
mod facts;
mod glossary;
mod html;
mod items;
mod kernel;
mod library;
mod links;
mod markdown;
mod option_box;
mod options;
mod page;
mod practice;
mod problem;
mod render;
mod results;
mod serve;
mod snapshot;
mod steps;
mod strict;
#[cfg(test)]
mod tests;
mod warnings;
mod workspace;

use std::io::{Write, stdin, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use mdbook_preprocessor::{Preprocessor, parse_input};

use crate::strict::Strict;
use crate::workspace::Workspace;

/// Build the book and serve it with the server that it describes.
#[derive(Parser)]
#[command(name = "book", bin_name = "cargo book")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// Where the server listens; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// Which stage serves the book
    #[arg(long, value_name = "N", default_value_t = 6)]
    stage: u32,

    /// Build into this folder instead of book/build
    #[arg(long, value_name = "DIR", global = true)]
    into: Option<PathBuf>,

    /// Leave out the answers to exercises, and their solutions
    #[arg(long, global = true)]
    no_answers: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Build the book, and do not serve it
    Build,
    /// Check and expand a book that mdBook sends on standard input
    Preprocess {
        #[command(subcommand)]
        question: Option<Question>,
    },
}

#[derive(Subcommand)]
enum Question {
    /// Say by the exit code whether a renderer can be served
    Supports {
        /// The renderer's name, such as `html`
        renderer: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("book: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the command line asks for. Serving does not return: this process
/// becomes the server.
fn run(arguments: &Arguments) -> Result<ExitCode> {
    let into = arguments.into.as_deref();
    let answers = !arguments.no_answers;
    match &arguments.command {
        None => {
            let Arguments { listen, stage, .. } = *arguments;
            let workspace = Workspace::find()?;
            serve::serve(&workspace, stage, listen, into, answers)?;
        }
        Some(Command::Build) => {
            let built = render::build(&Workspace::find()?, into, answers)?;
            eprintln!("the book is in {}", built.display());
        }
        Some(Command::Preprocess { question: None }) => {
            let (context, book) = parse_input(stdin().lock())?;
            let book = Strict { answers }.run(&context, book)?;
            let mut out = stdout().lock();
            serde_json::to_writer(&mut out, &book)?;
            out.flush()?;
        }
        Some(Command::Preprocess {
            question: Some(Question::Supports { renderer }),
        }) if renderer != "html" => return Ok(ExitCode::FAILURE),
        Some(Command::Preprocess { .. }) => {}
    }
    Ok(ExitCode::SUCCESS)
}
