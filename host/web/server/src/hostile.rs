//! Bytes for tests of what reads bytes from outside: chance from a fixed seed, the same each time.

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

    /// The bytes with some of them removed, doubled or replaced, often by one that decides.
    pub fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        const DECIDING: &[u8] = b"\0\t\n\r \"%/?\\{}:.[]@#\x7f\x80\xff0aF";
        let mut bytes = bytes.to_vec();
        for _ in 0..self.below(6) {
            let at = self.below(bytes.len() + 1);
            let byte = match self.below(3) {
                0 => self.next() as u8,
                _ => DECIDING[self.below(DECIDING.len())],
            };
            match self.below(4) {
                0 => bytes.truncate(at),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 if at < bytes.len() => bytes[at] = byte,
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    }
}
