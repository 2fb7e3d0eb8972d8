//! Bytes for tests of what reads bytes from outside: chance from a fixed seed, the same each time.

/// Numbers at which code decides.
const INTERESTING: [u32; 12] =
    [0, 1, 2, 15, 16, 20, 64, 1536, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc, 0xffff_ffff];

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Any number, but often one at which code decides.
    pub fn word(&mut self) -> u32 {
        if self.below(2) == 0 { self.next() as u32 } else { INTERESTING[self.below(12)] }
    }

    pub fn bytes(&mut self, bound: usize) -> Vec<u8> {
        (0..self.below(bound)).map(|_| self.next() as u8).collect()
    }
}
