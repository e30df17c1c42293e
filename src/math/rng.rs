//! Named random streams: everything random in a run comes from the recipe's
//! seed, and each purpose draws from a stream of its own, so that adding one
//! consumer never changes the numbers of another.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// The random stream called `name` of the run with this seed.
///
/// The stream is a ChaCha8 generator keyed by the seed and by a 64-bit FNV-1a
/// hash of the name, so it is the same on every machine and for any number of
/// threads.
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&fnv1a(name.as_bytes()).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// 64-bit FNV-1a hash (Fowler, Noll and Vo).
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore as _;

    #[test]
    fn streams_differ_by_seed_and_by_name_and_repeat() {
        let first = stream(0, "data").next_u64();
        assert_eq!(first, stream(0, "data").next_u64());
        assert_ne!(first, stream(1, "data").next_u64());
        assert_ne!(first, stream(0, "batches").next_u64());
    }
}
