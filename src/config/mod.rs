//! What a city says once about itself and its machines. One file a section.

pub mod city;

pub use city::CityProfile;
