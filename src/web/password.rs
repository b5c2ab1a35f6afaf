//! Passwords of the staff, as the office keeps them.

pub use crate::office::staff::{
    BadPassword, LEAST_PASSWORD as LEAST_LENGTH, hash_password as hash, verify_password as verify,
};
