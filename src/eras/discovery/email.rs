//! Encrypted e-mail addresses and the keys to them (handlers-a 6).
//!
//! There is no signer check, and the acting user is not compared with the metadata.

use super::{Call, Handled, HandlerError, Scope, ensure, poison, query, reject, skip};
use crate::{
    model::{
        Json,
        table::Record,
        tables::{EmailAccess, EmailAccessBy, EncryptedEmail},
    },
    rules::columns,
};

const GRANT_KEYS: [&str; 3] = ["receiving_user_id", "grantor_user_id", "encrypted_key"];

/// (`EncryptedEmail`, `AddEmail`): an owner's address, once, with the first keys to it.
pub fn add_email(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let data = call.data().ok_or_else(|| skip("metadata_missing"))?;
    let truthy = |key: &str| data.get(key).filter(|value| value.truthy());
    let (Some(owner), Some(email), Some(grants)) =
        (truthy("email_owner_user_id"), truthy("encrypted_email"), truthy("access_grants"))
    else {
        return Err(reject("email_fields_missing"));
    };
    let grants = grants.as_list().ok_or_else(|| reject("email_grants_not_list"))?;
    want_access(owner, grants, scope);
    for grant in grants {
        check_keys(grant)?;
    }
    if let Some(owner) = query::integer(owner)?
        && scope.stored::<EncryptedEmail>(owner)?.is_some()
    {
        return Ok(());
    }
    let email = columns::text(email)?.ok_or_else(|| poison("email_null"))?;
    scope.put(EncryptedEmail {
        email_owner_user_id: id(owner)?,
        encrypted_email: email,
        created_at: Some(scope.block.time),
        updated_at: Some(scope.block.time),
    })?;
    grants.iter().try_for_each(|grant| add_access(owner, grant, scope))
}

/// (`EmailAccess`, Update): further keys, by users who hold one themselves.
///
/// Keys before the one that is refused stay.
pub fn grant_access(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let data = call.data().ok_or_else(|| skip("metadata_missing"))?;
    let truthy = |key: &str| data.get(key).filter(|value| value.truthy());
    let (Some(owner), Some(grants)) = (truthy("email_owner_user_id"), truthy("access_grants"))
    else {
        return Err(reject("email_fields_missing"));
    };
    let grants = grants.as_list().ok_or_else(|| reject("email_grants_not_list"))?;
    want_access(owner, grants, scope);
    for grant in grants {
        check_keys(grant)?;
        let grantor = query::integer(field(grant, "grantor_user_id")?)?;
        let has_key = match (query::integer(owner)?, grantor) {
            (Some(owner), Some(grantor)) => !scope
                .stored_by::<EmailAccess>(EmailAccessBy::OwnerReceiver, (owner, grantor))?
                .is_empty(),
            _ => false,
        };
        ensure(has_key, "email_grantor_without_access")?;
        add_access(owner, grant, scope)?;
    }
    Ok(())
}

/// Asks for the rows that the grants of a call look at.
fn want_access(owner: &Json, grants: &[Json], scope: &mut Scope<'_>) {
    let Some(owner) = owner.as_int() else { return };
    for grant in grants {
        let id = |key: &str| grant.get(key).and_then(Json::as_int);
        let Some(grantor) = id("grantor_user_id") else { continue };
        scope.want_by::<EmailAccess>(EmailAccessBy::OwnerReceiver, (owner, grantor));
        if let Some(receiver) = id("receiving_user_id") {
            scope.want::<EmailAccess>((owner, receiver, grantor));
        }
    }
}

/// Python's `set(keys).issubset(grant)` for the keys a grant needs. A text is a set of characters, a
/// list one of its items, which must be hashable.
fn check_keys(grant: &Json) -> Handled {
    let has = |key: &str| match grant {
        Json::Object(object) => object.contains_key(key),
        Json::List(items) => items.iter().any(|item| item.as_str() == Some(key)),
        _ => false,
    };
    match grant {
        Json::List(items) if !items.iter().all(Json::is_hashable) => {
            Err(skip("email_grant_unhashable"))
        }
        Json::Object(_) | Json::List(_) | Json::Str(_) => {
            ensure(GRANT_KEYS.into_iter().all(has), "email_grant_keys_missing")
        }
        _ => Err(skip("email_grant_not_container")),
    }
}

/// `grant[key]` of a grant that passed [`check_keys`].
fn field<'a>(grant: &'a Json, key: &str) -> Result<&'a Json, HandlerError> {
    grant.get(key).ok_or_else(|| skip("email_grant_not_object"))
}

/// Stores a key unless it is stored already.
fn add_access(owner: &Json, grant: &Json, scope: &mut Scope<'_>) -> Handled {
    let receiver = field(grant, "receiving_user_id")?;
    let grantor = field(grant, "grantor_user_id")?;
    let triple = (query::integer(owner)?, query::integer(receiver)?, query::integer(grantor)?);
    if let (Some(owner), Some(receiver), Some(grantor)) = triple
        && scope.stored::<EmailAccess>((owner, receiver, grantor))?.is_some()
    {
        return Ok(());
    }
    let encrypted_key =
        columns::text(field(grant, "encrypted_key")?)?.ok_or_else(|| poison("email_key_null"))?;
    let row = EmailAccess {
        email_owner_user_id: id(owner)?,
        receiving_user_id: id(receiver)?,
        grantor_user_id: id(grantor)?,
        encrypted_key,
        created_at: Some(scope.block.time),
        updated_at: Some(scope.block.time),
        is_initial: Some(false),
    };
    // Parity: new keys of a block are kept by receiver alone, so the last one of a receiver drops
    // those of other owners and grantors.
    let key = row.key();
    let receiver = row.receiving_user_id.into();
    let earlier = scope.pending_by::<EmailAccess>(EmailAccessBy::Receiver, &receiver);
    let earlier: Vec<_> = earlier.map(|earlier| earlier.key()).filter(|at| *at != key).collect();
    for earlier in earlier {
        scope.discard::<EmailAccess>(earlier);
    }
    scope.put(row)
}

/// A value as an integer column without NULL.
fn id(value: &Json) -> Result<i64, HandlerError> {
    columns::int4(value)?.ok_or_else(|| poison("email_id_null"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eras::discovery::sandbox::{Sandbox, code};

    fn metadata(owner: i64, email: &str, receiver: i64, grantor: i64) -> String {
        format!(
            r#"{{"cid":"","data":{{"email_owner_user_id":{owner},"encrypted_email":"{email}",
            "access_grants":[{{"receiving_user_id":{receiver},"grantor_user_id":{grantor},
            "encrypted_key":"key"}}]}}}}"#
        )
    }

    #[test]
    fn one_key_per_receiver_survives_a_block() {
        let mut chain = Sandbox::new([]);
        let (first, second) = (metadata(1, "a", 9, 1), metadata(2, "b", 9, 2));
        chain.block(&[
            (0, "AddEmail", "EncryptedEmail", 0, &first),
            (0, "AddEmail", "EncryptedEmail", 0, &second),
        ]);
        assert_eq!(chain.rows::<EncryptedEmail>().len(), 2);
        let access = chain.rows::<EmailAccess>();
        assert_eq!(access.iter().map(|row| row.email_owner_user_id).collect::<Vec<_>>(), [2]);
        // An address is stored once; a second call has no effect at all.
        let again = metadata(1, "c", 9, 1);
        assert_eq!(code(&chain.call((0, "AddEmail", "EncryptedEmail", 0, &again))), "applied");
        assert_eq!(chain.rows::<EncryptedEmail>()[0].encrypted_email, "a");
        assert_eq!(chain.rows::<EmailAccess>().len(), 1);
    }

    #[test]
    fn only_who_holds_a_key_passes_one_on() {
        let mut chain = Sandbox::new([]);
        chain.call((0, "AddEmail", "EncryptedEmail", 0, &metadata(1, "a", 9, 1)));
        let share = |receiver, grantor| metadata(1, "", receiver, grantor);
        let mut grant =
            |metadata: &str| code(&chain.call((0, "Update", "EmailAccess", 0, metadata)));
        assert_eq!(grant(&share(10, 1)), "email_grantor_without_access");
        assert_eq!(grant(&share(10, 9)), "applied");
        assert_eq!(grant(&share(10, 9)), "applied");
        assert_eq!(grant(""), "metadata_missing");
        let number = r#"{"cid":"","data":{"email_owner_user_id":1,"access_grants":[1]}}"#;
        assert_eq!(grant(number), "email_grant_not_container");
        let keys = r#"["receiving_user_id","grantor_user_id","encrypted_key"]"#;
        for (sent, expected) in [
            // A text is a set of characters, a list one of its items.
            (r#""receiving_user_id grantor_user_id encrypted_key""#, "email_grant_keys_missing"),
            (keys, "email_grant_not_object"),
            (r#"[{"a":1}]"#, "email_grant_unhashable"),
            (
                r#"{"receiving_user_id":[{"a":1}],"grantor_user_id":9,"encrypted_key":"k"}"#,
                "query_object_for_integer",
            ),
        ] {
            let data = r#"{"cid":"","data":{"email_owner_user_id":1,"access_grants":[GRANT]}}"#;
            assert_eq!(grant(&data.replace("GRANT", sent)), expected, "{sent}");
        }
        assert_eq!(chain.rows::<EmailAccess>().len(), 2);
    }
}
