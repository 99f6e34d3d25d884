//! Links between pages, to files of the workspace, and to other sites.

use super::sandbox::{Sandbox, with};

#[test]
fn a_dead_link_to_a_page() {
    with("# A\n\nSee\n[this](none.md).\n")
        .finds("book/src/a.md:4: there is no page none.md");
}

#[test]
fn a_dead_link_by_reference_and_in_html() {
    with("See [this][x].\n\n[x]: none.md\n")
        .finds("book/src/a.md:1: there is no page none.md");
    with("# A\n\n<a class=\"x\" href=\"none.md\">this</a>\n")
        .finds("book/src/a.md:3: there is no page none.md");
}

#[test]
fn a_dead_fragment_here_and_there() {
    with("# A\n\n[x](#b)\n")
        .finds("book/src/a.md:3: a.md has no heading or id #b");
    with("[x](sources.md#b)\n")
        .finds("book/src/a.md:1: sources.md has no heading or id #b");
}

#[test]
fn fragments_follow_the_rule_of_the_renderer() {
    let text = "# `accept4`: Twice, in vain!\n\n## Twice\n\n## Twice\n\n\
                ## Named {#name}\n\n<a id=\"own\"></a>\n\n\
                [1](#accept4-twice-in-vain) [2](#twice) [3](#twice-1) \
                [4](#name) [5](#own) [6](sources.md#sources)\n";
    assert!(with(text).run().is_ok(), "{:?}", with(text).run());
    with("## Named {#name}\n\n[4](#named)\n")
        .finds("book/src/a.md:3: a.md has no heading or id #named");
}

#[test]
fn a_page_in_a_folder_links_upwards() {
    let mut sandbox = Sandbox::new();
    sandbox.page("deep/b.md", "[a](../sources.md#sources)\n");
    assert!(sandbox.run().is_ok(), "{:?}", sandbox.run());
    let mut sandbox = Sandbox::new();
    sandbox.page("deep/b.md", "\n[a](sources.md)\n");
    sandbox.finds("book/src/deep/b.md:2: there is no page deep/sources.md");
}

#[test]
fn a_missing_picture_and_one_from_another_site() {
    with("![x](x.png)\n")
        .finds("book/src/a.md:1: there is no file book/src/x.png");
    with("![x](https://example.org/x.png)\n").finds(
        "book/src/a.md:1: https://example.org/x.png would be loaded \
         from another site",
    );
    with("<img alt=\"\" src=\"https://example.org/x.png\">\n").finds(
        "book/src/a.md:1: https://example.org/x.png would be loaded \
         from another site",
    );
    let mut sandbox = with("![x](x.png)\n");
    sandbox.file("book/src/x.png", "");
    assert!(sandbox.run().is_ok());
}

#[test]
fn other_sites_by_https_only() {
    assert!(with("[x](https://example.org/#y)\n").run().is_ok());
    assert!(with("<http://127.0.0.1:3000/>\n").run().is_ok());
    with("[x](http://example.org/)\n").finds(
        "book/src/a.md:1: http://example.org/ is neither an https:// link \
         nor a page",
    );
}

#[test]
fn a_link_to_a_file_becomes_one_to_its_page() {
    let mut sandbox = Sandbox::new();
    sandbox.page(
        "deep/b.md",
        "[x](../../../stage1-one/src/socket.rs#listen), [y][y]\n\n\
         [y]: ../../../notes.txt\n",
    );
    sandbox.file("notes.txt", "a < b\n");
    assert_eq!(
        sandbox.text("deep/b.md"),
        "[x](../sources/stage1-one/src/socket.rs.html#L3), [y][y]\n\n\
         [y]: ../sources/notes.txt.html\n"
    );
    let page = sandbox.text("sources/notes.txt.md");
    assert!(page.contains("<span id=\"L1\">a &lt; b\n</span>"), "{page}");
    let list = sandbox.text("sources.md");
    assert!(list.contains("(sources/notes.txt.html)"), "{list}");
}

#[test]
fn a_dead_link_to_a_file_or_item() {
    with("\n[x](../../none.rs)\n").finds(
        "book/src/a.md:2: cannot read none.rs: \
         No such file or directory (os error 2)",
    );
    with("[x](../../stage1-one/src/socket.rs#none)\n").finds(
        "book/src/a.md:1: stage1-one/src/socket.rs: there is no item none",
    );
    with("[x](../../../none.rs)\n")
        .finds("book/src/a.md:1: ../../../none.rs leads out of the workspace");
}
