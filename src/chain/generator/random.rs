//! The generator's source of chance: xoshiro256**, so that a seed gives the same chain on every
//! machine and with every version of every library.

use alloy::hex;

/// A seeded stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: [u64; 4],
    /// The last number given out in place of an identifier, if they are numbered.
    numbered: Option<u64>,
}

impl Random {
    /// A stream that depends on `seed` alone. `numbered`: identifiers are counted instead of filled
    /// with chance.
    pub(super) fn new(seed: u64, numbered: bool) -> Self {
        let mut state = seed;
        let state = std::array::from_fn(|_| split_mix(&mut state));
        Self { state, numbered: numbered.then_some(0) }
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number from 0 up to, not including, `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the upper half of 128 bits")
    }

    /// A position in something of `length` (not 0) elements.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a usize")
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(high.abs_diff(low) + 1)).expect("the distance of two i64")
    }

    /// True `per_mille` times in a thousand.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of `choices`, which are not empty.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// `N` bytes.
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }

    /// `N` bytes as lower-case hex.
    pub(super) fn hex<const N: usize>(&mut self) -> String {
        hex::encode(self.bytes::<N>())
    }

    /// `digits` hexadecimal digits that nobody compares with anything.
    pub(super) fn identifier(&mut self, digits: usize) -> String {
        if let Some(number) = &mut self.numbered {
            *number += 1;
            return format!("{number:0digits$x}");
        }
        self.letters(b"0123456789abcdef", digits)
    }

    /// `length` characters of `alphabet`.
    pub(super) fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(self.pick(alphabet))).collect()
    }
}

/// Spreads a seed over the whole state.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut random = Random::new(1, false);
        let numbers: Vec<_> = (0..6).map(|_| random.below(1000)).collect();
        assert_eq!(numbers, [702, 520, 574, 391, 697, 143]);
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_its_ends() {
        let mut random = Random::new(2, false);
        let numbers: Vec<_> = (0..1000).map(|_| random.between(-2, 2)).collect();
        for wanted in -2..=2 {
            assert!(numbers.contains(&wanted), "{wanted}");
        }
        assert!(numbers.iter().all(|number| (-2..=2).contains(number)));
    }
}
