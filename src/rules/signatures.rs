//! Signatures inside metadata: Ethereum personal-sign recovery, Solana ed25519 verification, and
//! the check of a Solana payout wallet (handlers-a 0.10, handlers-a 1 "User, Create" step 11).

use alloy::primitives::{Address, Signature, U256, hex};
use ed25519_dalek::VerifyingKey;

/// An Ethereum address that signed a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signer(Address);

impl Signer {
    /// `0x` and lower-case hex, as developer apps and dashboard wallets compare it.
    pub fn lower(self) -> String {
        format!("{:#x}", self.0)
    }

    /// The EIP-55 form, as associated wallets compare it.
    pub fn checksummed(self) -> String {
        self.0.to_checksum(None)
    }
}

/// Recovers the signer of an EIP-191 personal-sign message.
///
/// The signature is hex with or without `0x`, 65 bytes `r || s || v`; v is 0, 1, 27, 28 or at least
/// 35; s may be high. `None` is every error of the reference's recovery.
pub fn recover_personal_sign(message: &str, signature: &str) -> Option<Signer> {
    let bytes: [u8; 65] = hex_bytes(signature)?.try_into().ok()?;
    let odd_y = match bytes[64] {
        v @ (0 | 1) => v == 1,
        v @ (27 | 28) => v == 28,
        v @ 35.. => (v - 35) % 2 == 1,
        _ => return None,
    };
    let r = U256::from_be_slice(&bytes[..32]);
    let s = U256::from_be_slice(&bytes[32..64]);
    let signature = Signature::new(r, s, odd_y);
    signature.recover_address_from_msg(message).ok().map(Signer)
}

/// Hex as web3's `HexBytes` reads it: an optional prefix, and a missing first digit is zero.
fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    if digits.len() % 2 == 1 { hex::decode(format!("0{digits}")) } else { hex::decode(digits) }.ok()
}

/// Whether the owner of a Solana wallet signed a message: the wallet is the base58 public key, the
/// signature 64 bytes of plain hex without `0x`. As strict as libsodium: the scalar and the points
/// must be canonical, keys of small order are refused.
pub fn verify_solana(wallet: &str, message: &[u8], signature: &str) -> bool {
    let Some(key) = public_key(wallet) else { return false };
    if !signature.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return false;
    }
    let Some(signature) = hex::decode(signature).ok().and_then(|bytes| bytes.try_into().ok())
    else {
        return false;
    };
    let signature = ed25519_dalek::Signature::from_bytes(&signature);
    is_canonical_point(&key)
        && VerifyingKey::from_bytes(&key)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}

/// Whether the y coordinate of an encoded point is below the field's prime 2^255 - 19.
fn is_canonical_point(bytes: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = bytes;
    *low < 0xed || high & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
}

/// Characters of 32 bytes in base58 at most: decoding costs the square of the length.
const KEY_CHARS: usize = 44;

/// A base58 public key of 32 bytes.
fn public_key(text: &str) -> Option<[u8; 32]> {
    if text.len() > KEY_CHARS {
        return None;
    }
    bs58::decode(text).into_vec().ok()?.try_into().ok()
}

/// What the reference makes of a `spl_usdc_payout_wallet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutWallet {
    /// A key whose base58 form is the text.
    Valid,
    /// Not base58, or not 32 bytes: the handler fails.
    NotAKey,
    /// A key with another base58 form: a validation error.
    OtherForm,
}

/// Checks the text of a `spl_usdc_payout_wallet`.
pub fn check_payout_wallet(text: &str) -> PayoutWallet {
    match public_key(text) {
        None => PayoutWallet::NotAKey,
        Some(key) if bs58::encode(key).into_string() == text => PayoutWallet::Valid,
        Some(_) => PayoutWallet::OtherForm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_longer_than_what_is_decoded() {
        for byte in [0, 0xff] {
            let text = bs58::encode([byte; 32]).into_string();
            assert!(text.len() <= KEY_CHARS);
            assert_eq!(public_key(&text), Some([byte; 32]));
        }
        assert_eq!(public_key(&"1".repeat(1_000_000)), None);
    }

    const APP: (&str, &str, &str) = (
        "Creating Audius developer app at 1686252026",
        "6c54d37aabd7788727de21b556e54536311e1f00eff6a12a355bf6f1a80afc1f\
         53b75f88f098e60e3d8f76e68a17071126ea66a1ae18d8193e8b7cc367f6121d1b",
        "0xec923d132cda1e003b237c968422349854f14e25",
    );

    const WALLET: &str = "GmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB";
    const WALLET_SIGNATURE: &str = "0784777f345eda184a1f6fea90ee340268d628995aa60368d7b271b529c3195e\
                                    6ced123a3a5b457f7ba277b18484edda21ddfae84f09353558ea968e1c4bdd01";

    fn lower(message: &str, signature: &str) -> Option<String> {
        recover_personal_sign(message, signature).map(Signer::lower)
    }

    #[test]
    fn the_reference_signatures_recover() {
        for (message, signature, address) in [
            APP,
            (
                "Connecting Audius user id 7eP5n at 1686252026",
                "b9c55a9e7136af723ca7b4cb4942faabd0f1f04f4e35dca840c144d8e647ef10\
                 10607bedee113ed7948ae330bdf17af3948e50b72e0e5375161f49d2846ca4221b",
                "0xc541167fcecbdcfde395652025a1d005a09e092d",
            ),
            (
                "Connecting Audius user @user_2 at 1686252024",
                "5e38c49b2a0d8157a672d5ccd10abb54758967833efd69c25fbe530e339b00d1\
                 6d665e1d21688ab629db292d401d53e95cb5701420eaa5fb2cfffbe959cb72f51c",
                "0xe05ac1efc30ce2f7615186802e2b14cc8759616f",
            ),
        ] {
            assert_eq!(lower(message, signature).as_deref(), Some(address));
            assert_eq!(lower(message, &format!("0x{signature}")).as_deref(), Some(address));
            let upper = signature.to_uppercase();
            assert_eq!(lower(message, &format!("0X{upper}")).as_deref(), Some(address));
        }
        let associated = recover_personal_sign(
            "AudiusUserID:1",
            "ba730536b38f97df68f603680dd2c97db01ee3550429a7a42592cc84c3f03678\
             2b2af3363834cfd4ec1dc5b82b054ed204e98d40cf19ba75ea181a5c323967e21b",
        );
        let expected = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F";
        assert_eq!(associated.unwrap().checksummed(), expected);
    }

    #[test]
    fn the_last_byte_takes_the_known_values() {
        let (message, signature, address) = APP;
        let with = |v: u8| lower(message, &format!("{}{v:02x}", &signature[..128]));
        for even in [0, 27, 35, 37, 255] {
            assert_eq!(with(even).as_deref(), Some(address), "{even}");
        }
        for odd in [1, 28, 36, 38] {
            let other = with(odd);
            assert!(other.is_some_and(|other| other != address), "{odd}");
        }
        for refused in [2, 26, 29, 34] {
            assert_eq!(with(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_high_s_recovers_the_same_signer() {
        let (message, signature, address) = APP;
        let order = U256::from_str_radix(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
            16,
        );
        let s = U256::from_str_radix(&signature[64..128], 16).unwrap();
        let mirrored = format!("{}{:064x}1c", &signature[..64], order.unwrap() - s);
        assert_eq!(lower(message, &mirrored).as_deref(), Some(address));
    }

    #[test]
    fn what_is_no_signature_recovers_nothing() {
        let (message, signature, _) = APP;
        let zero_r = format!("{}{}", "0".repeat(64), &signature[64..]);
        let big_s = format!("{}{}1b", &signature[..64], "f".repeat(64));
        for text in ["", "0x", "abc", &signature[2..], &zero_r, &big_s, &"é".repeat(65)] {
            assert_eq!(lower(message, text), None, "{text}");
        }
        let doubled = format!("{signature}00");
        assert_eq!(lower(message, &doubled), None);
    }

    #[test]
    fn a_solana_wallet_signs() {
        assert!(verify_solana(WALLET, b"AudiusUserID:1", WALLET_SIGNATURE));
        assert!(verify_solana(WALLET, b"AudiusUserID:1", &WALLET_SIGNATURE.to_uppercase()));
        assert!(!verify_solana(WALLET, b"AudiusUserID:2", WALLET_SIGNATURE));
        assert!(!verify_solana(WALLET, b"AudiusUserID:1", &format!("0x{WALLET_SIGNATURE}")));
        assert!(!verify_solana(WALLET, b"AudiusUserID:1", &WALLET_SIGNATURE[2..]));
        assert!(!verify_solana("0OIl", b"AudiusUserID:1", WALLET_SIGNATURE));
        assert!(!verify_solana(&WALLET[1..], b"AudiusUserID:1", WALLET_SIGNATURE));
    }

    #[test]
    fn a_scalar_beyond_the_order_and_weak_keys_are_refused() {
        // S + L, which signs the same without the canonical check.
        let order = U256::from_str_radix(
            "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed",
            16,
        );
        let scalar: [u8; 32] = hex::decode(&WALLET_SIGNATURE[64..]).unwrap().try_into().unwrap();
        let shifted = U256::from_le_bytes(scalar) + order.unwrap();
        let malleable =
            format!("{}{}", &WALLET_SIGNATURE[..64], hex::encode(shifted.to_le_bytes::<32>()));
        assert!(!verify_solana(WALLET, b"AudiusUserID:1", &malleable));

        // The identity as key and R with S = 0 satisfies the equation for every message.
        let mut identity = [0; 32];
        identity[0] = 1;
        let trivial = format!("{}{}", hex::encode(identity), "0".repeat(64));
        let weak = bs58::encode(identity).into_string();
        assert!(!verify_solana(&weak, b"AudiusUserID:1", &trivial));
    }

    #[test]
    fn points_beyond_the_prime_are_not_canonical() {
        let mut bytes = [0xff; 32];
        bytes[31] = 0x7f;
        for low in [0xed, 0xff] {
            bytes[0] = low;
            assert!(!is_canonical_point(&bytes));
        }
        bytes[0] = 0xec;
        assert!(is_canonical_point(&bytes));
        bytes[0] = 0xff;
        bytes[5] = 0;
        assert!(is_canonical_point(&bytes));
    }

    #[test]
    fn payout_wallets_are_keys_of_32_bytes() {
        assert_eq!(check_payout_wallet(WALLET), PayoutWallet::Valid);
        assert_eq!(check_payout_wallet("11111111111111111111111111111111"), PayoutWallet::Valid);
        for text in ["", "0OIl", "abc", &format!("1{WALLET}"), &format!("{WALLET} "), "é"] {
            assert_eq!(check_payout_wallet(text), PayoutWallet::NotAKey, "{text}");
        }
    }
}
