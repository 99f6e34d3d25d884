//! A small temporary workspace.

use std::fs;
use std::path::Path;

use mdbook_preprocessor::book::{Book, BookItem, Chapter};
use tempfile::TempDir;

use crate::strict::process;
use crate::workspace::Workspace;

/// One stage, one page that lists the sources, and whatever a test adds.
pub struct Sandbox {
    dir: TempDir,
    pages: Vec<String>,
}

/// The file `src/socket.rs` of stage 1.
pub const SOCKET: &str = "\
//! Sockets.

/// Makes a listener.
pub fn listen() -> u32 {
    // ANCHOR: bind
    let port = 1;
    // ANCHOR_END: bind
    port
}
";

impl Sandbox {
    /// A workspace without problems.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut sandbox = Self { dir, pages: Vec::new() };
        sandbox.file("stage1-one/src/socket.rs", SOCKET);
        sandbox.page("sources.md", "# Sources\n\n{{#sources}}\n");
        sandbox.page("bind.md", "{{#source stage1-one/src/socket.rs:bind}}\n");
        sandbox
    }

    /// Writes a file, by its path from the workspace's root.
    pub fn file(&mut self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a page, and adds it to the summary if it is missing there.
    pub fn page(&mut self, path: &str, text: &str) {
        self.file(&format!("book/src/{path}"), text);
        if !self.pages.iter().any(|page| page == path) {
            self.pages.push(path.to_string());
        }
    }

    /// The workspace's root.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Names every stage's folder as a member of the workspace.
    fn manifest(&self) {
        let members: Vec<String> = fs::read_dir(self.root())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("stage") && name != "stage8-no")
            .collect();
        let text = format!("[workspace]\nmembers = {members:?}\n");
        fs::write(self.root().join("Cargo.toml"), text).unwrap();
    }

    /// Runs the preprocessor. The error is the list that the reader sees.
    pub fn run(&self) -> Result<Book, String> {
        self.manifest();
        let src = self.root().join("book/src");
        let mut book = Book::new();
        for path in &self.pages {
            let text = fs::read_to_string(src.join(path)).unwrap();
            let chapter = Chapter::new(path, text, path, Vec::new());
            book.push_item(BookItem::Chapter(chapter));
        }
        let workspace = Workspace::around(&self.root().join("book")).unwrap();
        process(&workspace, book).map_err(|problems| problems.to_string())
    }

    /// The text of a page after a run without problems.
    pub fn text(&self, path: &str) -> String {
        let book = self.run().unwrap_or_else(|problems| panic!("{problems}"));
        let found = book
            .chapters()
            .find(|chapter| chapter.path.as_deref() == Some(Path::new(path)));
        found.unwrap_or_else(|| panic!("no page {path}")).content.clone()
    }

    /// Panics unless a run finds exactly this problem.
    #[track_caller]
    pub fn finds(&self, problem: &str) {
        let wanted = format!("1 problem in the book\n{problem}");
        match self.run() {
            Ok(_) => panic!("no problem was found; wanted: {problem}"),
            Err(problems) => assert_eq!(problems, wanted),
        }
    }
}

/// A workspace whose page `a.md` is `text`.
pub fn with(text: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.page("a.md", text);
    sandbox
}
