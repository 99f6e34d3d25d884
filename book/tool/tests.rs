//! The tool's own tests, on small workspaces in temporary folders.

mod benches;
mod diffs;
mod drawings;
mod excerpts;
mod glossary;
mod linking;
mod problems;
mod sandbox;
mod structure;
mod tables;
