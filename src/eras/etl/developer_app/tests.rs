//! Tests of developer apps.

use crate::{
    eras::etl::sandbox::{Sandbox, code, user},
    model::tables::{AppVersion, OauthRedirectUri},
};

const APP: &str = "DeveloperApp";

fn uris(chain: &Sandbox) -> Vec<String> {
    chain.rows::<OauthRedirectUri>().into_iter().map(|row| row.redirect_uri).collect()
}

#[test]
fn a_deleted_app_exists_signs_and_comes_back() {
    let mut chain = Sandbox::new([user(1), user(2)]);
    let app = r#"{"address":"0xAPP","name":"A","description":"d"}"#;
    let grant = r#"{"grantee_address":"0xApp"}"#;
    let mut send =
        |user, action, entity, data: &str| code(&chain.call((user, action, entity, 0, data)));
    assert_eq!(send(1, "Create", APP, r#"{"address":"0xu2","name":"A"}"#), "app_is_user_wallet");
    assert_eq!(send(1, "Create", APP, r#"{"address":"a\u0000","name":"A"}"#), "nul_in_text");
    assert_eq!(send(1, "Create", APP, app), "applied");
    assert_eq!(send(2, "Create", "Grant", grant), "applied");
    assert_eq!(send(2, "Delete", APP, app), "app_of_other");
    assert_eq!(send(1, "Delete", APP, app), "applied");
    assert_eq!(send(1, "Create", APP, app), "app_exists");
    chain.sign_as(Some("0xApp"));
    assert_eq!(code(&chain.call((2, "Update", "User", 2, ""))), "applied");
    chain.sign_as(None);
    let calls = [(1, "Update", APP, 0, r#"{"address":"0xapp","name":"B"}"#); 2];
    chain.block(&calls);
    let versions = chain.rows::<AppVersion>();
    let live: Vec<_> = versions.iter().filter(|version| version.is_current).collect();
    let current = live[0];
    assert_eq!((versions.len(), live.len(), current.name.as_str()), (4, 1, "B"));
    assert_eq!((current.is_delete, &current.description), (Some(false), &None));
    let oldest = versions.iter().map(|version| version.created_at).min();
    assert_eq!(Some(current.created_at), oldest);
}

#[test]
fn redirect_uris_are_replaced_as_a_whole_repeats_included() {
    let mut chain = Sandbox::new([user(1)]);
    let mut send = |action, uris: &str| {
        let metadata = format!(r#"{{"address":"0xapp","name":"A","redirect_uris":{uris}}}"#);
        code(&chain.call((1, action, APP, 0, &metadata)))
    };
    assert_eq!(send("Create", r#"["b","a","b",""]"#), "applied");
    assert_eq!(send("Update", r#"["c",1]"#), "applied");
    assert_eq!(uris(&chain), ["", "a", "b", "b"]);
    let mut send = |uris: &str| {
        let metadata = format!(r#"{{"address":"0xapp","name":"A","redirect_uris":{uris}}}"#);
        code(&chain.call((1, "Update", APP, 0, &metadata)))
    };
    assert_eq!(send(r#"["c","b"]"#), "applied");
    assert_eq!(uris(&chain), ["b", "c"]);
    chain.call((1, "Update", APP, 0, r#"{"address":"0xapp","name":"A","redirect_uris":null}"#));
    assert!(uris(&chain).is_empty());
}
