//! Tests the book in a browser, served by the server that it describes. A
//! browser opens up to six connections at once, some of them in advance.

// These lints protect readers from panics. A test may panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod devtools;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tempfile::TempDir;

use crate::devtools::Browser;

/// A running `cargo book`.
struct Served {
    process: Child,
    url: String,
    book: TempDir,
}

impl Served {
    /// Builds the book and the server, and waits until it listens.
    fn start() -> Self {
        Self::with(&[])
    }

    /// The same, with more arguments.
    fn with(words: &[&str]) -> Self {
        let book = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_book"))
            .args(words)
            .args(["--listen", "127.0.0.1:0", "--into"])
            .arg(book.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let progress = BufReader::new(process.stderr.take().unwrap());
        let mut progress = progress.lines().map_while(Result::ok);
        let mut said = Vec::new();
        let url = progress.by_ref().find_map(|line| {
            let url = line.strip_prefix("the book is at ").map(String::from);
            said.push(line);
            url
        });
        let url = url.unwrap_or_else(|| panic!("{}", said.join("\n")));
        // The server's later output must not fill the pipe.
        thread::spawn(move || progress.for_each(drop));
        let server = BufReader::new(process.stdout.take().unwrap());
        let first = server.lines().next().unwrap().unwrap();
        assert_eq!(format!("{first}/"), format!("listening on {url}"));
        Self { process, url, book }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A test that needs a browser: its name and its body.
type Test = (&'static str, fn(&mut Browser));

const IN_A_BROWSER: [Test; 5] = [
    ("every_page_fits_and_can_be_read", every_page_fits_and_can_be_read),
    ("the_served_book_loads_whole_and_fits", loads_whole_and_fits),
    ("other_stages_serve_the_book_whole", other_stages_serve_it_whole),
    ("search_finds_a_word_served_and_from_disk", search_finds_a_word),
    ("a_drawing_takes_the_colour_of_the_theme", drawings_follow_the_theme),
];

/// Without a browser, these tests are ignored; with `REQUIRE_TOOLS=1`, as in
/// CI, they fail.
fn main() -> ExitCode {
    let mut trials: Vec<Trial> = IN_A_BROWSER
        .into_iter()
        .map(|(name, test)| {
            Trial::ignorable_test(name, move || {
                let Some(mut browser) = browser() else { return skip(name) };
                test(&mut browser);
                Ok(Completion::Completed)
            })
        })
        .collect();
    let name = "ending_the_one_process_ends_all";
    trials.push(Trial::test(name, || {
        ending_the_one_process_ends_all();
        Ok(())
    }));
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn skip(name: &str) -> Result<Completion, Failed> {
    let why = format!("SKIPPED: {name} needs chromium in PATH");
    if env::var_os("REQUIRE_TOOLS").is_some_and(|value| value == "1") {
        return Err(format!("{why}, and REQUIRE_TOOLS=1 is set").into());
    }
    eprintln!("{why}");
    Ok(Completion::ignored_with(why))
}

/// A browser, if there is one.
fn browser() -> Option<Browser> {
    let path = env::var_os("PATH").unwrap_or_default();
    let program = env::split_paths(&path)
        .flat_map(|folder| {
            ["chromium", "chromium-browser", "google-chrome"]
                .map(|name| folder.join(name))
        })
        .find(|program| program.is_file());
    program.map(|program| Browser::start(&program))
}

/// The pages of the book, by their paths below its folder.
fn pages(book: &Path) -> Vec<String> {
    let mut folders = vec![book.to_path_buf()];
    let mut pages = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "html") {
                let page = path.strip_prefix(book).unwrap();
                pages.push(page.display().to_string());
            }
        }
    }
    // These two are mdBook's: one for servers, one for the sidebar.
    pages.retain(|page| page != "404.html" && page != "toc.html");
    pages.sort();
    pages
}

/// The largest overflow of these elements, in pixels.
fn overflow(browser: &mut Browser, elements: &str) -> f64 {
    let program = format!(
        "Math.max(0, ...[...document.querySelectorAll({elements:?})]\
         .map(e => e.scrollWidth - e.clientWidth))"
    );
    browser.evaluate(&program).as_f64().unwrap()
}

/// Types a word into the search field and returns the links of the results.
fn search(browser: &mut Browser, word: &str) -> String {
    browser.evaluate(
        "document.getElementById('mdbook-search-toggle').click();
         document.getElementById('mdbook-searchbar').focus()",
    );
    browser.type_text(word);
    // The heading repeats the word even if there are no results.
    let program = format!(
        "new Promise(done => {{
            const results =
                document.getElementById('mdbook-searchresults-outer');
            const look = () => {{
                if (results.textContent.includes({word:?})) {{
                    done([...results.querySelectorAll('li a')]
                        .map(a => a.getAttribute('href')).join('\\n'));
                }}
            }};
            new MutationObserver(look).observe(results,
                {{ childList: true, subtree: true, characterData: true }});
            look();
        }})"
    );
    browser.evaluate(&program).as_str().unwrap().to_string()
}

fn loads_whole_and_fits(browser: &mut Browser) {
    let served = Served::start();
    let pages = pages(served.book.path());
    assert!(pages.len() > 20, "only {pages:?}");
    for page in &pages {
        let url = format!("{}{page}", served.url);
        browser.resize(1280, 800);
        let log = browser.visit(&url);
        assert!(log.faults.is_empty(), "{url}: {:#?}", log.faults);
        assert!(log.answered > 5, "{url}: {log:?}");
        let wide = overflow(browser, ".listing code, .stage-diff code");
        assert!(wide < 1.0, "{url}: code scrolls by {wide} on a laptop");
        browser.resize(390, 800);
        let wide = overflow(browser, "html");
        assert!(wide < 1.0, "{url}: the page scrolls by {wide} on a phone");
    }
}

/// Finds text and tables that overflow their box, and letters below 11 px, also
/// inside drawings.
const MISFITS: &str = r"
    (() => {
        const found = [];
        const say = (element, what) => found.push(
            `${what}: ${element.tagName} ${element.className.baseVal
                ?? element.className} ${element.textContent.trim()
                .slice(0, 40)}`);
        const wide = document.documentElement;
        if (wide.scrollWidth > wide.clientWidth) {
            say(wide, `the page scrolls by ${wide.scrollWidth
                - wide.clientWidth} px`);
        }
        const boxes = '.content main p, .content main li, .content main h1, '
            + '.content main h2, .content main h3, .table-wrapper, '
            + '.content main table, .content main td';
        for (const box of document.querySelectorAll(boxes)) {
            const by = box.scrollWidth - box.clientWidth;
            if (by > 1 && getComputedStyle(box).display !== 'inline') {
                say(box, `scrolls by ${by} px`);
            }
        }
        const texts = document.createTreeWalker(
            document.querySelector('.content main'), NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const element = texts.currentNode.parentElement;
            if (!texts.currentNode.textContent.trim()
                || !element.getClientRects().length
                || element.closest('script, style')) {
                continue;
            }
            let size = parseFloat(getComputedStyle(element).fontSize);
            const svg = element.closest('svg');
            if (svg) {
                // Rotated text has its size in both numbers.
                const scale = element.getScreenCTM();
                size *= Math.hypot(scale.a, scale.b);
            }
            if (size < 10.95) {
                say(element, `letters of ${size.toFixed(1)} px`);
            }
        }
        return [...new Set(found)].join('\n');
    })()";

fn every_page_fits_and_can_be_read(browser: &mut Browser) {
    let served = Served::start();
    let mut wrong = Vec::new();
    let mut pages = pages(served.book.path());
    // One page with a whole file represents the others.
    let source = pages.iter().position(|page| page.starts_with("sources/"));
    let source = source.map(|at| pages.swap_remove(at));
    pages.retain(|page| !page.starts_with("sources/"));
    pages.extend(source);
    for page in pages {
        browser.visit(&format!("{}{page}", served.url));
        for width in [1280, 1024, 390] {
            browser.resize(width, 800);
            let misfits = browser.evaluate(MISFITS);
            let misfits = misfits.as_str().unwrap_or("no answer");
            if !misfits.is_empty() {
                wrong.push(format!("{page} at {width} px:\n{misfits}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn other_stages_serve_it_whole(browser: &mut Browser) {
    // One stage for each way of waiting. `loads_whole_and_fits` covers stage 6.
    for stage in ["1", "2", "4"] {
        let served = Served::with(&["--stage", stage]);
        // Every tenth page: the stages differ in how they wait, and stage 6 has
        // served all of them.
        for page in pages(served.book.path()).into_iter().step_by(10) {
            let url = format!("{}{page}", served.url);
            let log = browser.visit(&url);
            assert!(log.faults.is_empty(), "{stage}: {url}: {:#?}", log.faults);
            assert!(log.answered > 5, "{stage}: {url}: {log:?}");
        }
    }
}

fn search_finds_a_word(browser: &mut Browser) {
    let served = Served::start();
    let disk = format!("file://{}/", served.book.path().display());
    for base in [&served.url, &disk] {
        let url = format!("{base}index.html");
        for (word, page) in
            [("so_reuseaddr", "options/so_reuseaddr.html"), ("zebrafish", "")]
        {
            let log = browser.visit(&url);
            assert!(log.faults.is_empty(), "{url}: {:#?}", log.faults);
            let results = search(browser, word);
            assert!(results.contains(page), "{url}: {results}");
            assert_eq!(results.is_empty(), page.is_empty(), "{results}");
        }
    }
}

fn drawings_follow_the_theme(browser: &mut Browser) {
    let served = Served::start();
    let page = format!("{}how-to-read.html", served.url);
    browser.visit(&page);
    let mut seen = Vec::new();
    for theme in ["light", "navy", "coal"] {
        let program =
            format!("localStorage.setItem('mdbook-theme', {theme:?}); 'set'");
        assert_eq!(browser.evaluate(&program), "set");
        browser.visit(&page);
        let colours = browser.evaluate(
            "['.svgbob line', '.content main'].map(e => {
                const style = getComputedStyle(document.querySelector(e));
                return e.includes('line') ? style.stroke : style.color;
            }).join(' = ')",
        );
        let colours = colours.as_str().unwrap().to_string();
        let (line, text) = colours.split_once(" = ").unwrap();
        assert_eq!(line, text, "{theme}");
        seen.push(colours);
    }
    seen.dedup();
    assert_eq!(seen.len(), 3, "{seen:?}");
}

fn ending_the_one_process_ends_all() {
    let mut served = Served::start();
    let address = served.url.replace("http://", "").replace('/', "");
    let mut client = TcpStream::connect(&address).unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    client.write_all(request).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    // The kill reaches only this process: a server started as a child process
    // would keep listening.
    served.process.kill().unwrap();
    served.process.wait().unwrap();
    let refused = TcpStream::connect(&address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}
