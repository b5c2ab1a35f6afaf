//! Chance that is the same everywhere and forever: a small generator of its own, so that no release of a library
//! changes what a seed means. `SplitMix64` by Sebastiano Vigna is in the public domain.

/// A stream of numbers that follows from its seeds.
#[derive(Clone, Debug)]
pub struct Chance {
    state: u64,
}

impl Chance {
    /// The stream of `topic` for one `subject` in the city of `seed`. Streams do not disturb one another: drawing more
    /// often for a payment changes no name.
    pub fn new(seed: u64, subject: u64, topic: u64) -> Self {
        let mut chance = Self { state: seed };
        for part in [subject, topic] {
            chance.state = chance.next() ^ part.wrapping_mul(0xD1B5_4A32_D192_ED03);
        }
        chance
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `bound` less 1; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        // The upper half of the product is below `bound`; the bias is far too small to see in a city.
        let scaled = (self.next() >> 32) * u64::from(bound);
        u32::try_from(scaled >> 32).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True in so many of a thousand draws.
    pub fn per_mille(&mut self, share: u32) -> bool {
        self.below(1_000) < share
    }

    /// One of `choices`, which are not empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let at = self.below(u32::try_from(choices.len()).unwrap_or(u32::MAX)) as usize;
        &choices[at]
    }

    /// One of `choices` by their weights; the last where the weights are used up.
    pub fn weighted<T: Copy>(&mut self, first: T, choices: &[(u32, T)]) -> T {
        let total = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total);
        let mut chosen = first;
        for (weight, choice) in choices {
            chosen = *choice;
            if left < *weight {
                break;
            }
            left -= weight;
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_numbers_forever() {
        let mut chance = Chance::new(7, 1, 2);
        let drawn: Vec<u32> = (0..5).map(|_| chance.below(1_000)).collect();
        assert_eq!(drawn, [289, 903, 696, 603, 255]);
    }

    #[test]
    fn draws_keep_their_bounds_and_use_them() {
        let mut chance = Chance::new(1, 1, 1);
        let drawn: std::collections::BTreeSet<u32> = (0..1_000).map(|_| chance.between(3, 9)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(chance.below(0), 0);
    }
}
