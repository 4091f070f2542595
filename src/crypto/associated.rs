/// Joins parts so that no other list of parts gives the same bytes: their number, then each part
/// after its length (8 bytes, big endian).
pub(super) fn unambiguous(parts: &[&[u8]]) -> Vec<u8> {
    let length = |bytes: usize| u64::try_from(bytes).expect("usize has at most 64 bits");
    let total = parts.iter().map(|part| part.len() + 8).sum::<usize>() + 8;
    let mut joined = Vec::with_capacity(total);
    joined.extend_from_slice(&length(parts.len()).to_be_bytes());
    for part in parts {
        joined.extend_from_slice(&length(part.len()).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moving_a_byte_over_a_border_changes_the_bytes() {
        let joined = [
            unambiguous(&[b"ab", b"c"]),
            unambiguous(&[b"a", b"bc"]),
            unambiguous(&[b"abc", b""]),
            unambiguous(&[b"abc"]),
            unambiguous(&[b"", b"abc"]),
        ];
        for (index, one) in joined.iter().enumerate() {
            assert!(joined[index + 1..].iter().all(|other| other != one));
        }
    }

    proptest! {
        #[test]
        fn different_parts_give_different_bytes(
            one in proptest::collection::vec(proptest::collection::vec(0_u8..3, 0..4), 0..4),
            other in proptest::collection::vec(proptest::collection::vec(0_u8..3, 0..4), 0..4),
        ) {
            let join = |parts: &[Vec<u8>]| {
                unambiguous(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            prop_assert_eq!(join(&one) == join(&other), one == other);
        }
    }
}
