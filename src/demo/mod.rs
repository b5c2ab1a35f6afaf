//! A city to show Arrears with: made-up people, their bills and their payments, in the files of any real city.

pub mod city;
