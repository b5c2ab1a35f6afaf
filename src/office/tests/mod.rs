//! Courses that go through several of the office's rooms, each from a file to what is done or left undone.

mod corrections;
mod deposits;
mod newcomers;
