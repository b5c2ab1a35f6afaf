//! Measurements on made-up data, through the real code. Nothing here runs in a city's day.

pub mod letters;
pub mod night;
