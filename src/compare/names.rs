//! Names that the user gave, held against those that there are.

/// Edits after which a name is no longer taken for a slip of another.
const MOST_EDITS: usize = 3;

/// The name among `there` that `given` was most likely meant to be.
pub(crate) fn nearest<'a>(
    given: &str,
    there: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    there
        .into_iter()
        .map(|name| (edits(given, name), name))
        .filter(|(edits, name)| *edits <= MOST_EDITS.min(name.len() / 2))
        .min()
        .map(|(_, name)| name)
}

/// `; did you mean …?`, where some name is near.
pub(crate) fn hint<'a>(given: &str, there: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, there).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// Insertions, removals and replacements that lead from one text to the other.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, mine) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (at, theirs) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(mine != *theirs);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_and_another_word_none() {
        let there = ["name", "bio", "user_id", "is_verified"];
        assert_eq!(nearest("nme", there), Some("name"));
        assert_eq!(nearest("isverified", there), Some("is_verified"));
        assert_eq!(nearest("userid", there), Some("user_id"));
        assert_eq!(nearest("profile", there), None);
        assert_eq!((edits("", "abc"), edits("kitten", "sitting")), (3, 3));
    }
}
