//! Signatures that prove a wallet, as the Go indexer checks them (users.md 0.6, 2.1). `signatures`
//! has the checks of the older program, which reads other forms and refuses other values.

use alloy::primitives::{Address, eip191_hash_message, hex};
use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use ed25519_dalek::{Verifier as _, VerifyingKey};
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey as EthKey};

/// Padded base64 whose last digit may have bits to spare.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The address, `0x` and lower-case hex, that signed an EIP-191 personal-sign message.
///
/// The signature is hex, with or without a lower-case `0x`, 65 bytes `r || s || v`. v is 0 to 7 or 27
/// to 34: in both ranges bit 0 is the parity of R, bit 1 says that R lies beyond the order, and bit 2
/// is of no account. s may be high. `None` is every error of the reference.
pub fn recover_eth(message: &str, signature: &str) -> Option<String> {
    let bytes = hex_bytes(signature)?;
    let (v, rs) = bytes.split_last()?;
    let v = if *v >= 27 { *v - 27 } else { *v };
    if v > 7 {
        return None;
    }
    let signature = Signature::from_slice(rs).ok()?;
    let id = RecoveryId::from_byte(v & 3)?;
    // A mirrored s is the same signature by the mirrored R.
    let (signature, id) = match signature.normalize_s() {
        Some(low) => (low, RecoveryId::new(!id.is_y_odd(), id.is_x_reduced())),
        None => (signature, id),
    };
    let hash = eip191_hash_message(message);
    let key = EthKey::recover_from_prehash(hash.as_slice(), &signature, id).ok()?;
    Some(format!("{:#x}", Address::from_public_key(&key)))
}

/// 65 bytes of hex.
fn hex_bytes(text: &str) -> Option<[u8; 65]> {
    let mut bytes = [0; 65];
    let digits = text.strip_prefix("0x").unwrap_or(text);
    // The decoder would take a second prefix off.
    if digits.len() != 130 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

/// Whether the owner of a Solana wallet, base58 of a public key, signed a message.
///
/// The signature is base64, or base58 where it is no base64. Parity: a base58 signature of 88
/// characters is base64, too, of 66 bytes, and is refused; so are 128 digits of hex. Keys of small
/// order and encodings beyond the prime are taken, a scalar beyond the order is not.
pub fn verify_sol(wallet: &str, message: &[u8], signature: &str) -> bool {
    let Some(key) = base58(wallet).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) else {
        return false;
    };
    let signature = base64(signature).or_else(|| base58(signature));
    let Some(signature) = signature.and_then(|bytes| <[u8; 64]>::try_from(bytes).ok()) else {
        return false;
    };
    let signature = ed25519_dalek::Signature::from_bytes(&signature);
    VerifyingKey::from_bytes(&key).is_ok_and(|key| key.verify(message, &signature).is_ok())
}

/// Base64 as Go's standard encoding reads it: line ends inside do not count.
fn base64(text: &str) -> Option<Vec<u8>> {
    if text.contains(['\r', '\n']) {
        return BASE64.decode(text.replace(['\r', '\n'], "")).ok();
    }
    BASE64.decode(text).ok()
}

/// Characters of 64 bytes in base58 at most: decoding costs the square of the length.
const SIGNATURE_CHARS: usize = 88;

/// The bytes of a key or a signature; `None` also for a text that is too long to be either.
///
/// Parity: a text of ones alone gives a zero byte too many, as the reference's decoder counts the
/// number itself, which is zero, besides the leading zeros.
fn base58(text: &str) -> Option<Vec<u8>> {
    if text.len() > SIGNATURE_CHARS {
        return None;
    }
    let mut bytes = bs58::decode(text).into_vec().ok()?;
    if !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0) {
        bytes.push(0);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    const MESSAGE: &str = "Creating Audius developer app at 1686252026";
    const SIGNATURE: &str = "6c54d37aabd7788727de21b556e54536311e1f00eff6a12a355bf6f1a80afc1f\
                             53b75f88f098e60e3d8f76e68a17071126ea66a1ae18d8193e8b7cc367f6121d1b";
    const ADDRESS: &str = "0xec923d132cda1e003b237c968422349854f14e25";

    #[test]
    fn the_last_byte_is_a_parity_in_two_ranges() {
        let with = |v: u8| recover_eth(MESSAGE, &format!("{}{v:02x}", &SIGNATURE[..128]));
        for even in [0, 4, 27, 31] {
            assert_eq!(with(even).as_deref(), Some(ADDRESS), "{even}");
        }
        for odd in [1, 5, 28, 32] {
            assert!(with(odd).is_some_and(|other| other != ADDRESS), "{odd}");
        }
        // R lies beyond the order for hardly any signature.
        for refused in [2, 3, 6, 7, 8, 26, 29, 34, 35, 36, 255] {
            assert_eq!(with(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_signature_is_hex_of_65_bytes_and_its_s_may_be_high() {
        assert_eq!(recover_eth(MESSAGE, &format!("0x{SIGNATURE}")).as_deref(), Some(ADDRESS));
        let order = alloy::primitives::U256::from_str_radix(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
            16,
        );
        let s = alloy::primitives::U256::from_str_radix(&SIGNATURE[64..128], 16).unwrap();
        let mirrored = format!("{}{:064x}1c", &SIGNATURE[..64], order.unwrap() - s);
        assert_eq!(recover_eth(MESSAGE, &mirrored).as_deref(), Some(ADDRESS));
        for text in [
            String::new(),
            format!("0X{SIGNATURE}"),
            format!("0x0x{SIGNATURE}"),
            SIGNATURE[1..].to_owned(),
            format!("{SIGNATURE}00"),
            "é".repeat(65),
        ] {
            assert_eq!(recover_eth(MESSAGE, &text), None, "{text}");
        }
    }

    #[test]
    fn a_solana_signature_is_base64_or_else_base58() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let wallet = bs58::encode(key.verifying_key().as_bytes()).into_string();
        let (mut as_base64, mut short, mut long) = (0, 0, 0);
        for number in 0..200 {
            let message = format!("m{number}");
            let signature = key.sign(message.as_bytes()).to_bytes();
            let base64 = BASE64.encode(signature);
            let lines = format!("{}\r\n{}\n", &base64[..76], &base64[76..]);
            for text in [&base64, &lines] {
                as_base64 += usize::from(verify_sol(&wallet, message.as_bytes(), text));
            }
            assert!(!verify_sol(&wallet, b"another", &base64));
            assert!(!verify_sol(&wallet, message.as_bytes(), &hex::encode(signature)));
            let base58 = bs58::encode(signature).into_string();
            let taken = verify_sol(&wallet, message.as_bytes(), &base58);
            let count = if base58.len() == 88 { &mut long } else { &mut short };
            assert_eq!(taken, base58.len() != 88, "{base58}");
            *count += 1;
        }
        assert_eq!((as_base64, short > 0, long > 0), (400, true, true));
    }

    #[test]
    fn ones_alone_are_a_byte_longer_and_weak_keys_sign() {
        assert_eq!(base58(&"1".repeat(31)), Some(vec![0; 32]));
        assert_eq!(base58("11z"), Some(vec![0, 0, 57]));
        assert_eq!(base58("0"), None);
        // The identity as key and R with S = 0 satisfies the equation for every message.
        let mut identity = [0; 32];
        identity[0] = 1;
        let wallet = bs58::encode(identity).into_string();
        let trivial = BASE64.encode([identity, [0; 32]].concat());
        assert!(verify_sol(&wallet, b"anything", &trivial));
    }
}
