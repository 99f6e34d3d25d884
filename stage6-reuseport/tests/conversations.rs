//! Aims the shared suite, `tests/` at the top, at this stage's binary.

fn main() -> std::process::ExitCode {
    conversations::run(
        env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME"))),
        env!("CARGO_PKG_NAME"),
    )
}
