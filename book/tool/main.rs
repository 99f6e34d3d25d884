//! The book's tool: builds the book, checks it, and serves it.
//!
//! | module | what it does |
//! | --- | --- |
//! | `serve` | runs `cargo book`: builds everything, then becomes the server |
//! | `adapt` | adapts the finished HTML to narrow screens |
//! | `render` | runs mdBook's library, and treats its warnings as errors |
//! | `strict` | the preprocessor: expands and checks all pages |
//! | `page` | expands one page: directives, code blocks and links |
//! | `directive` | parses and expands the `{{#...}}` lines |
//! | `levels` | lists the levels of `cargo judge` |
//! | `library` | the files a page can show: sources, snapshots, scripts |
//! | `excerpt`, `items`, `anchor` | extract part of a file, by anchor or by name |
//! | `diff` | shows the changes in a stage or sub-step |
//! | `steps` | the sub-steps between two stages |
//! | `practice` | lists the bugs and exercises of a stage |
//! | `colour` | highlights Rust line by line |
//! | `diagram` | turns svgbob drawings into SVG |
//! | `options`, `facts` | the socket options, from `options.toml` |
//! | `option_box` | the box of facts about one option, for its page |
//! | `glossary` | links the first use of each term on a page |
//! | `snapshot` | reads insta's files |
//! | `kernel` | checks the options against what the tests observed |
//! | `links` | resolves and checks links |

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
mod levels;
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

    /// Address for the server to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// Stage that serves the book
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
    /// Build the book without serving it
    Build,
    /// Check and expand a book sent by mdBook on standard input
    Preprocess {
        #[command(subcommand)]
        question: Option<Question>,
    },
}

#[derive(Subcommand)]
enum Question {
    /// Exit with code 0 if this renderer is supported
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

/// Runs the command. Serving does not return, because this process becomes the
/// server.
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
