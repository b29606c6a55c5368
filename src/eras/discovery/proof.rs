//! Signed messages inside metadata: `{"message": …, "signature": …}` (handlers-a 0.10).

use super::{HandlerError, Scope, skip};
use crate::{
    model::{Json, json::Object},
    rules::{dates::python_int, signatures, unicode},
};

/// The message of a signature object; empty where it is absent.
///
/// # Errors
/// A skip when it is not text.
pub fn message(signature: &Object) -> Result<&str, HandlerError> {
    match signature.get("message") {
        None => Ok(""),
        Some(Json::Str(message)) => Ok(message),
        Some(_) => Err(skip("signature_message_not_text")),
    }
}

/// The words of a message.
pub fn tokens(message: &str) -> Vec<&str> {
    unicode::split(message).collect()
}

/// Whether a time in Unix seconds, as a word of a message, is less than `window` seconds from the
/// clock of the block.
///
/// # Errors
/// A skip when the word is not an integer.
pub fn is_recent(time: &str, window: u64, scope: &Scope<'_>) -> Result<bool, HandlerError> {
    let time = python_int(time).ok_or_else(|| skip("signature_time_not_integer"))?;
    let now = scope.block.clock.seconds();
    Ok(time.as_int().is_some_and(|time| now.abs_diff(time) < window))
}

/// The lower-cased address that signed the message (EIP-191); `None` when the signature is broken.
pub fn recover(signature: &Object) -> Option<String> {
    let message = signature.get("message")?.as_str()?;
    let signature = signature.get("signature")?.as_str()?;
    signatures::recover_personal_sign(message, signature).map(signatures::Signer::lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_vector_recovers_its_address() {
        let signature = Json::parse(
            r#"{"message":"Creating Audius developer app at 1686252026",
            "signature":"6c54d37aabd7788727de21b556e54536311e1f00eff6a12a355bf6f1a80afc1f53b75f88f098e60e3d8f76e68a17071126ea66a1ae18d8193e8b7cc367f6121d1b"}"#,
        )
        .unwrap();
        let signature = signature.as_object().unwrap();
        assert_eq!(
            recover(signature).as_deref(),
            Some("0xec923d132cda1e003b237c968422349854f14e25")
        );
        assert_eq!(tokens(message(signature).unwrap()).last(), Some(&"1686252026"));
    }
}
