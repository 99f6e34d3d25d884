//! `cargo practice`, as a learner uses it; and the bug that the book works
//! through. `cargo practice verify` plants all the others.

#[path = "practice/learner.rs"]
mod learner;
#[path = "practice/worked.rs"]
mod worked;
