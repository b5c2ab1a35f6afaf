//! Words of files and policies as people read them.

/// `left_message` is `left message`, and `shut_off_tag` `shut-off tag`.
#[must_use]
pub fn spoken(word: &str) -> String {
    word.replace("shut_off", "shut-off").replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_policy_is_read_as_people_write_it() {
        let said = ["shut_off_tag", "left_message", "reminder"].map(spoken);
        assert_eq!(said, ["shut-off tag", "left message", "reminder"]);
    }
}
